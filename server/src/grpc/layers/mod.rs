//! What happens to every call before and after its handler.

pub mod deadline;
pub mod oversize;
pub mod session;
