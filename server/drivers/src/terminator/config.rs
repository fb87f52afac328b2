//! The options of `terminator`, as settings of the script engine.

use lowerdeck_framework::driver::DispatchType;
use lowerdeck_framework::status::HResult;

use crate::definition::LayerError;
use crate::options::{Answer, Options};
use crate::scripted::{Response, Responses, ScriptedConfig, device_config};

/// What a plain `fail` gives: the answer of a driver that does not know the request.
const FAILURE: HResult = HResult::STATUS_INVALID_DEVICE_REQUEST;

/// Reads the options.
pub(super) fn read(options: &Options<'_>) -> Result<(ScriptedConfig, Responses), LayerError> {
    let respond = |answer: Answer, complete: Response| match answer {
        Answer::Complete => complete,
        Answer::Hold => Response::Hold,
        Answer::Fail(status) => Response::Status(status),
    };
    let create = options.answer("create", FAILURE)?;
    let io = options.answer("io", FAILURE)?;
    let empty = Response::Status(HResult::S_OK);
    let responses = Responses {
        create: respond(create, empty),
        read: respond(io, empty),
        write: respond(io, Response::Whole),
        ioctl: respond(io, empty),
    };
    let device = device_config(DispatchType::Parallel, true, true);
    Ok((ScriptedConfig::with_script(device, options)?, responses))
}
