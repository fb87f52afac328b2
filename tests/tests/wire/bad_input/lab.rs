//! Questions to the lab that have no answer.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, Value};
use tonic::Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};

use crate::contract;
use crate::refusal::{expect, granted};
use crate::upper::{self, Upper};

/// The message of a call whose stack is `name`; None for a call that names none.
fn naming(call: &MethodDescriptor, name: &str) -> Option<bytes::Bytes> {
    use prost::Message as _;
    let message = call.input();
    let stack = message.get_field_by_name("stack").or_else(|| message.get_field_by_name("name"))?;
    assert_eq!(stack.kind(), Kind::String);
    let mut filled = DynamicMessage::new(message.clone());
    filled.set_field(&stack, Value::String(name.to_owned()));
    if let Some(command) = message.get_field_by_name("command") {
        filled.set_field(&command, Value::String("clear".to_owned()));
    }
    Some(filled.encode_to_vec().into())
}

/// The calls of the lab, except the one that makes names.
fn calls() -> Vec<MethodDescriptor> {
    let of_the_lab =
        |call: &MethodDescriptor| call.parent_service().name() == "LabService" && call.name() != "PlugStack";
    contract::methods().into_iter().filter(of_the_lab).collect()
}

#[test]
fn unknown_stacks_are_not_found() {
    let server = Server::start();
    server.run(async {
        let mut asked = 0;
        for name in ["nowhere", "disk#999999", "#", "disk#", "Ünïcode", "a/b"] {
            for call in calls() {
                let Some(body) = naming(&call, name) else { continue };
                let answer = contract::call(&server.channel(), &contract::path_of(&call), &[], body).await;
                expect(answer, NotFound, reason::STACK_UNKNOWN);
                asked += 1;
            }
        }
        assert!(asked > 0);
        let answer = Upper::try_attach(&server.channel(), upper::on_stack("nowhere")).await;
        expect(answer, NotFound, reason::STACK_UNKNOWN);
    });
}

#[test]
fn a_template_is_no_instance() {
    let server = Server::start();
    server.run(async {
        let mut asked = 0;
        for call in calls().into_iter().filter(|call| !["DescribeStack", "UnplugStack"].contains(&call.name())) {
            let Some(body) = naming(&call, "disk") else { continue };
            let answer = contract::call(&server.channel(), &contract::path_of(&call), &[], body).await;
            expect(answer, FailedPrecondition, reason::STACK_IS_TEMPLATE);
            asked += 1;
        }
        assert!(asked > 0);
    });
}

#[test]
fn commands_that_nobody_understands_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "passthrough / scripted").await;
        let control = |layer, command: &str| {
            let message = v1::ControlDriverRequest { stack: upper.stack.clone(), layer, command: command.to_owned() };
            async { upper.lab().control_driver(message).await }
        };
        upper.refused(control(2, "dance"), InvalidArgument, reason::CONTROL_COMMAND_INVALID).await;
        upper.refused(control(2, "complete L0:7 S_OK"), InvalidArgument, reason::CONTROL_COMMAND_INVALID).await;
        upper.refused(control(2, ""), InvalidArgument, reason::FIELD_MISSING).await;
        upper.refused(control(1, "clear"), FailedPrecondition, reason::DRIVER_NOT_CONTROLLABLE).await;
        for layer in [0, 4, u32::MAX] {
            let refusal = upper.refused(control(layer, "clear"), NotFound, reason::LAYER_UNKNOWN).await;
            assert_eq!(refusal.metadata("layer"), layer.to_string());
        }
    });
}

#[test]
fn stacks_that_mean_nothing_are_not_plugged() {
    let server = Server::start();
    server.run(async {
        let mut lab = v1::lab_service_client::LabServiceClient::new(server.channel());
        for expression in ["", "/", "nonsense", "ram(", "ram(sise=1MiB)", "ram(size=lots)", "null null"] {
            let answer = lab.plug_stack(upper::template(expression)).await;
            let reason = reason::STACK_EXPRESSION_INVALID;
            assert_eq!(expect(answer, InvalidArgument, reason).fields(), ["expression"], "{expression}");
        }
        for name in ["", "1disk", "Disk", "di sk", "disk#1", "disk/0", "-"] {
            let plug = v1::PlugStackRequest { name: name.to_owned(), ..upper::template("null") };
            let reason = if name.is_empty() { reason::FIELD_MISSING } else { reason::FIELD_INVALID };
            assert_eq!(expect(lab.plug_stack(plug).await, InvalidArgument, reason).fields(), ["name"], "{name}");
        }
        let other = v1::PlugStackRequest { name: "disk".to_owned(), ..upper::template("null") };
        expect(lab.plug_stack(other).await, AlreadyExists, reason::STACK_NAME_IN_USE);
        let list = v1::ListStacksRequest { page_size: 0, page_token: "yesterday".to_owned() };
        expect(lab.list_stacks(list).await, InvalidArgument, reason::PAGE_TOKEN_INVALID);
    });
}

#[test]
fn clocks_move_only_by_hand_and_within_time() {
    let server = Server::start();
    server.run(async {
        let real = v1::PlugStackRequest { clock: v1::ClockKind::Real.into(), ..upper::template("null") };
        let stack = upper::plug(&server.channel(), real).await;
        let upper = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        let advance = v1::AdvanceClockRequest { stack: upper.stack.clone(), ticks: 1, wall_clock_shift_ticks: 0 };
        let answer = upper.lab().advance_clock(advance).await;
        expect(answer, FailedPrecondition, reason::CLOCK_NOT_MANUAL);

        let upper = Upper::on(&server, "echo(delay=5ms)").await;
        for (ticks, wall_clock_shift_ticks) in [(u64::MAX, 0), (u64::MAX, i64::MAX), (0, i64::MIN), (1, -1)] {
            let advance = v1::AdvanceClockRequest { stack: upper.stack.clone(), ticks, wall_clock_shift_ticks };
            if let Err(status) = upper.lab().advance_clock(advance).await {
                expect::<()>(Err(status), InvalidArgument, reason::FIELD_INVALID);
            }
            // Whatever was answered, the stack still works.
            let file = upper.file().await;
            upper.close(&file).await;
        }
    });
}

#[test]
fn a_page_of_any_size_is_given() {
    let server = Server::start();
    server.run(async {
        let mut lab = v1::lab_service_client::LabServiceClient::new(server.channel());
        let list = |page_size, page_token| v1::ListStacksRequest { page_size, page_token };
        let all = granted(lab.list_stacks(list(0, String::new())).await).stacks;
        assert!(all.len() > 1, "there are built-in stacks");
        assert_eq!(granted(lab.list_stacks(list(u32::MAX, String::new())).await).stacks, all);
        let (mut paged, mut token) = (Vec::new(), String::new());
        loop {
            let page = granted(lab.list_stacks(list(1, token)).await);
            assert!(page.stacks.len() <= 1);
            paged.extend(page.stacks);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, all, "pages give everything once");
    });
}

#[test]
fn power_states_that_a_stack_does_not_have_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "null").await;
        let absent = v1::PowerState::PrepareForHibernation.into();
        for (power_state, reason) in [
            (v1::PowerState::Unspecified.into(), reason::FIELD_MISSING),
            (v1::PowerState::D1.into(), reason::FIELD_INVALID),
            (absent, reason::FIELD_INVALID),
            (77, reason::ENUM_VALUE_UNKNOWN),
        ] {
            let asked = v1::SetPowerStateRequest { stack: upper.stack.clone(), power_state };
            let refusal = expect(upper.lab().set_power_state(asked).await, InvalidArgument, reason);
            assert_eq!(refusal.fields(), ["power_state"], "{power_state}");
        }
        let file = upper.file().await;
        upper.close(&file).await;
    });
}
