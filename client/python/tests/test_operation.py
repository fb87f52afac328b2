"""How the server presents itself: health, reflection, drain."""

import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import lowerdeck
from lowerdeck import Health, HResult, PnpCallback, PowerState, TraceKind, health
from lowerdeck.events import SessionEnding
from lowerdeck.server_process import ServerProcess, find_binary
from lowerdeck.v1 import device_pb2
from tests.conftest import WAIT, label, script


@pytest.mark.parametrize(
    "service",
    [
        "",
        health.LIVENESS,
        health.READINESS,
        "lowerdeck.v1.SessionService",
        "lowerdeck.v1.LabService",
        health.stack_service("disk"),
    ],
)
def test_a_healthy_server_serves_under_every_name(client, service):
    assert client.health(service) is Health.SERVING


def test_a_stack_instance_has_a_health_of_its_own(client):
    with client.open_session("disk") as session:
        name = health.stack_service(session.stack)
        assert client.health(name) is Health.SERVING
        watch = client.watch_health(name, timeout=WAIT)
        assert next(watch) is Health.SERVING
    assert next(watch) is not Health.SERVING
    watch.close()


def test_an_unknown_service_is_not_found_by_check_and_awaited_by_watch(client):
    with pytest.raises(lowerdeck.NotFound):
        client.health("nobody")
    name = health.stack_service("health-test-late")
    watch = client.watch_health(name, timeout=WAIT)
    assert next(watch) is Health.SERVICE_UNKNOWN
    client.lab.plug("health-test-late", "ram(size=1MiB)")
    assert next(watch) is Health.SERVING
    client.lab.unplug("health-test-late")
    assert next(watch) is Health.SERVICE_UNKNOWN
    watch.close()


def test_reflection_lists_every_service_and_knows_every_call(client):
    reflection = ProtoReflectionDescriptorDatabase(client.channel)
    assert {
        "lowerdeck.v1.SessionService",
        "lowerdeck.v1.DeviceService",
        "lowerdeck.v1.LabService",
        "grpc.health.v1.Health",
    } <= set(reflection.get_services())
    file = reflection.FindFileContainingSymbol("lowerdeck.v1.DeviceService")
    (service,) = file.service
    known = {method.name for method in device_pb2.DESCRIPTOR.services_by_name["DeviceService"].methods}
    assert {method.name for method in service.method} == known


def callbacks(client, stack, layer=1):
    """The PnP callbacks that a layer was called with."""
    entered = [entry for entry in client.lab.trace(stack) if entry.kind == TraceKind.PNP_ENTER and entry.layer == layer]
    return [PnpCallback(entry.callback) for entry in entered]


def test_a_stack_sleeps_and_wakes_with_every_driver(client, scripted):
    before = len(callbacks(client, scripted.stack))
    client.lab.set_power_state(scripted.stack, PowerState.D3, WAIT)
    assert callbacks(client, scripted.stack)[before:] == [
        PnpCallback.ON_SELF_MANAGED_IO_SUSPEND,
        PnpCallback.ON_D0_EXIT,
    ]
    client.lab.set_power_state(scripted.stack, PowerState.D0, WAIT)
    assert callbacks(client, scripted.stack)[before + 2 :] == [
        PnpCallback.ON_D0_ENTRY,
        PnpCallback.ON_SELF_MANAGED_IO_RESTART,
    ]
    with pytest.raises(lowerdeck.RpcRefused):
        client.lab.set_power_state(scripted.stack, PowerState.D1)


def test_a_rebalance_can_be_vetoed(client, scripted):
    done = client.lab.rebalance(scripted.stack, WAIT)
    assert (done.hresult, done.vetoed_by) == (HResult.S_OK, "")
    assert PnpCallback.ON_RELEASE_HARDWARE in callbacks(client, scripted.stack)
    script(scripted, "on query-stop: fail(E_OUTOFMEMORY)")
    vetoed = client.lab.rebalance(scripted.stack, WAIT)
    assert (vetoed.hresult, vetoed.vetoed_by) == (HResult.E_OUTOFMEMORY, "L1")


def test_a_surprise_removal_ends_the_sessions_on_a_stack(client, template):
    name = template("scripted")
    session = client.open_session(name)
    feed = session.events()
    client.lab.surprise_remove(session.stack, WAIT)
    ending = feed.until(lambda event: isinstance(event, SessionEnding), WAIT)[-1]
    assert ending.reason is lowerdeck.SessionEndReason.STACK_REMOVED
    assert PnpCallback.ON_SURPRISE_REMOVAL in callbacks(client, session.stack)
    session.close(WAIT)


@pytest.fixture
def own_server():
    binary = find_binary()
    if binary is None:
        pytest.fail("a drain needs a server of one's own: set LOWERDECKD to the binary")
    with ServerProcess(binary) as server:
        yield server


def test_a_drain_lets_sessions_finish_and_takes_no_new_ones(own_server):
    with lowerdeck.connect(own_server.endpoint) as client:
        readiness = client.watch_health(health.READINESS, timeout=60)
        assert next(readiness) is Health.SERVING
        with client.open_session("scripted") as session:
            feed = session.events()
            with session.create_wdf_file() as file:
                script(session, "on read: hold")
                held = file.send_read(4)
                held.wait_accepted(WAIT)

                own_server.terminate()
                assert next(readiness) is Health.NOT_SERVING
                assert client.health(health.LIVENESS) is Health.SERVING
                ending = feed.next(WAIT)
                assert isinstance(ending, SessionEnding)
                assert ending.reason is lowerdeck.SessionEndReason.DRAINING
                assert ending.hard_deadline is not None
                with pytest.raises(lowerdeck.Draining) as draining:
                    client.open_session("disk")
                assert draining.value.retry_after > 0

                assert file.write(b"still here") == 10
                script(session, f"complete {label(held)} S_OK 4")
                assert held.result(WAIT).information == 4
        assert session.balance.completed == 2
    assert own_server.wait() == 0


def test_a_second_signal_ends_a_drain_at_once(own_server):
    with lowerdeck.connect(own_server.endpoint) as client:
        session = client.open_session("scripted")
        feed = session.events()
        script(session, "on read: hold")
        held = session.create_wdf_file().send_read(4)
        held.wait_accepted(WAIT)
        own_server.terminate()
        assert isinstance(feed.next(WAIT), SessionEnding)
        own_server.terminate()
        own_server.wait(timeout=10)  # far below the hard deadline
        session.abandon()
        assert isinstance(held.exception(WAIT), lowerdeck.LowerdeckError)
