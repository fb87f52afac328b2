//! What can go wrong between a caller and a stack, apart from what a driver answers.

use lowerdeck_framework::status::HResult;

use super::limits::STACK_NAME_CHARS_MAX;

/// A refusal of the host. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// No template, shared stack or instance has the name.
    #[error("no stack is named `{0}`; ListStacks tells what there is")]
    StackUnknown(String),
    /// The stack was unplugged.
    #[error("stack `{0}` was removed")]
    StackRemoved(String),
    /// The stack ended by a driver stop.
    #[error("stack `{0}` ended by a driver stop; ListFindings tells why")]
    StackStopped(String),
    /// A driver failed to start.
    #[error("stack `{stack}` did not start: a driver answered {status}")]
    StartFailed {
        /// The instance.
        stack: String,
        /// The first failing status of a start callback.
        status: HResult,
    },
    /// The call needs an instance and got a template.
    #[error("`{0}` is a template; name one of its instances, or open a session on it")]
    StackIsTemplate(String),
    /// The name means something else.
    #[error("stack `{0}` is there and means something else; unplug it first or choose another name")]
    NameInUse(String),
    /// The name is fit for no stack.
    #[error("`{}` is no stack name: use 1 to {STACK_NAME_CHARS_MAX} of a-z, 0-9, - and _, beginning with a letter", .0.escape_debug())]
    NameInvalid(String),
    /// The expression does not parse or cannot be built.
    #[error("{0}")]
    ExpressionInvalid(String),
    /// The stack has no such layer.
    #[error("stack `{stack}` has no layer {layer}; its layers are 1 to {lowest}")]
    LayerUnknown {
        /// The stack.
        stack: String,
        /// The number asked for.
        layer: u32,
        /// The number of the terminator.
        lowest: usize,
    },
    /// The driver takes no commands.
    #[error("driver `{driver}` of stack `{stack}` takes no control commands")]
    NotControllable {
        /// The stack.
        stack: String,
        /// The driver.
        driver: String,
    },
    /// The driver does not understand the command.
    #[error("{0}")]
    CommandInvalid(String),
    /// The stack's clock moves by itself.
    #[error("the clock of stack `{0}` is real; plug a stack with a manual clock to advance it")]
    ClockNotManual(String),
    /// A limit of the host is reached.
    #[error("limit {name} of {value} is reached; {advice}")]
    LimitReached {
        /// The limit, as in [`super::limits`].
        name: &'static str,
        /// Its value.
        value: u64,
        /// What makes room.
        advice: &'static str,
    },
    /// The framework itself failed inside this stack; no other stack is touched.
    #[error("stack `{0}` is broken by a fault of the server; its log says more")]
    Broken(String),
}
