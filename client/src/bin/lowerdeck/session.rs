//! `lowerdeck session`: the calls of SessionService by the session's UUID.

use anyhow::Context;
use lowerdeck_client::transport::{self, SessionChannel, SessionName};
use lowerdeck_client::v1::session_service_client::SessionServiceClient;
use lowerdeck_client::{Error, v1};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::cli::SessionCommand;
use crate::exit::Outcome;
use crate::output::{self, Output};
use crate::words;

pub(crate) async fn run(endpoint: &str, command: SessionCommand, output: Output) -> anyhow::Result<Outcome> {
    match command {
        SessionCommand::Open { stack, lease, client_name } => {
            let id = Uuid::new_v4();
            let message = v1::OpenSessionRequest {
                stack,
                lease: lease.map(TryInto::try_into).transpose()?,
                client_name,
                ..v1::OpenSessionRequest::default()
            };
            let opened = attach(endpoint, id).await?.open_session(message).await;
            let opened = answer("OpenSession", opened)?.session;
            print(id, &opened.context("the answer has no session")?, output)?;
        }
        SessionCommand::Get { id } => {
            let message = v1::GetSessionRequest {};
            let got = attach(endpoint, id).await?.get_session(message).await;
            let got = answer("GetSession", got)?.session;
            print(id, &got.context("the answer has no session")?, output)?;
        }
        SessionCommand::Renew { id, lease } => {
            let lease = lease.map(TryInto::try_into).transpose()?;
            let message = v1::RenewSessionRequest { lease };
            let renewed = attach(endpoint, id).await?.renew_session(message).await;
            let renewed = answer("RenewSession", renewed)?.session;
            print(id, &renewed.context("the answer has no session")?, output)?;
        }
        SessionCommand::Close { id } => {
            let message = v1::CloseSessionRequest {};
            let closed = attach(endpoint, id).await?.close_session(message).await;
            let closed = answer("CloseSession", closed)?;
            output.message("CloseSessionResponse", &closed, |closed| {
                let balance = closed.balance.clone().unwrap_or_default();
                format!("{}\nfiles left open: {}", balance_line(&balance), closed.files_left_open)
            })?;
        }
    }
    Ok(Outcome::Done)
}

async fn attach(endpoint: &str, id: Uuid) -> Result<SessionServiceClient<SessionChannel>, Error> {
    let channel = transport::connect(endpoint).await?;
    let channel = SessionChannel::new(channel, SessionName::new(id));
    Ok(SessionServiceClient::new(channel))
}

fn answer<T>(call: &'static str, response: Result<Response<T>, Status>) -> Result<T, Error> {
    match response {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(Error::from_status(call, &status)),
    }
}

fn print(id: Uuid, session: &v1::Session, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        let mut document = crate::output::json("Session", session)?;
        document["session_id"] = id.to_string().into();
        output::print_line(format_args!("{document:#}"))?;
        return Ok(());
    }
    output::print_line(format_args!("{id}"))?;
    output::print_line(format_args!("stack    {}", session.stack))?;
    let state = session.stack_state();
    output::print_line(format_args!("state    {}", words::short(state.as_str_name(), "STACK_STATE_")))?;
    let lease = session.lease.unwrap_or_default();
    output::print_line(format_args!("lease    {} s", lease.seconds))?;
    output::print_line(format_args!(
        "events   {} acknowledged of {}",
        session.acknowledged_sequence, session.last_event_sequence
    ))?;
    let balance = session.balance.clone().unwrap_or_default();
    output::print_line(format_args!("balance  {}", balance_line(&balance)))?;
    Ok(())
}

fn balance_line(balance: &v1::Balance) -> String {
    format!(
        "accepted {} = completed {} + cancelled {} + failed {} + outstanding {}",
        balance.accepted, balance.completed, balance.cancelled, balance.failed, balance.outstanding
    )
}
