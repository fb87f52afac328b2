//! Where a Format call leads: to the next lower driver on a file, or to a handle (TGT-6, FHT-7).
//!
//! Law: target and file are the session's own before anything else is looked at; a file that does not go with its target is
//! UMDF's to refuse, and never a refusal of the call.

use lowerdeck_framework::handle::TargetFile;
use lowerdeck_framework::ids::{RequestId, TargetId};
use lowerdeck_framework::io::FormatIo;
use lowerdeck_framework::status::HResult;
use uuid::Uuid;

use super::error::SessionError;
use super::live::Operation;
use super::ownership::OwnedFile;
use super::request_calls::FormatArguments;
use super::requests::{Asked, AskedOfHandle};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim {
    /// Through the default target; None is a NULL `pFile`.
    Lower(Option<OwnedFile>),
    /// Through a file-handle target; None is a NULL `pFile`, which stands for its own handle.
    Handle {
        /// The target.
        target: TargetId,
        /// Whose handle replaces the target's (FHT-7), with the id by which the client named it.
        file: Option<(Uuid, TargetFile)>,
    },
}

impl Aim {
    /// The file-handle target; None is the default one.
    pub(super) fn target(&self) -> Option<TargetId> {
        match self {
            Aim::Handle { target, .. } => Some(*target),
            Aim::Lower(_) => None,
        }
    }

    /// The file of the stack.
    pub(super) fn lower_file(&self) -> Option<OwnedFile> {
        match self {
            Aim::Lower(file) => *file,
            Aim::Handle { .. } => None,
        }
    }

    /// What a FormatAndSend asked for, to know it again.
    pub(super) fn asked(&self, io: &FormatIo) -> Asked {
        match *self {
            Aim::Handle { target, file } => {
                let file = file.map(|(named, _)| named);
                Asked::OfHandle(Box::new(AskedOfHandle { target, file, io: io.clone() }))
            }
            _ if io.is_whole() => Asked::Formatted,
            _ => Asked::Exactly(Box::new(io.clone())),
        }
    }
}

impl Operation<'_> {
    /// What `format` leads to.
    ///
    /// # Errors
    /// Those of naming a target and a file.
    pub(super) fn aim(&mut self, format: &FormatArguments) -> Result<Aim, SessionError> {
        let Some(target) = self.own_target(&format.target)? else {
            return match self.own_or_null(&format.file) {
                Ok(file) => Ok(Aim::Lower(file)),
                // The file of a file-handle target is none of the stack's: as bad as no file (TGT-7).
                Err(_) if matches!(self.own_target(&format.file), Ok(Some(_))) => Ok(Aim::Lower(None)),
                Err(error) => Err(error),
            };
        };
        if format.file.is_empty() {
            return Ok(Aim::Handle { target, file: None });
        }
        let (named, file) = match self.own_target(&format.file) {
            Ok(Some(of)) => (Uuid::try_parse(&format.file).ok(), self.stack.target_file(self.upper, Some(of))),
            _ => (Some(self.own(&format.file)?.uuid), None), // a file of the stack is no handle's
        };
        let file = file.unwrap_or_else(TargetFile::of_no_target);
        Ok(Aim::Handle { target, file: named.map(|named| (named, file)) })
    }

    /// FormatRequestForXxx.
    pub(super) fn format_at(&mut self, id: RequestId, aim: &Aim, io: FormatIo) -> HResult {
        match *aim {
            Aim::Lower(file) => self.stack.format_requested(self.upper, id, file.map(|file| file.id), io),
            Aim::Handle { target, file } => {
                self.stack.handle_format_requested(self.upper, id, target, file.map(|(_, file)| file), io)
            }
        }
    }

    /// The file that a Format call names, or that of the batch; None is NULL.
    fn own_or_null(&mut self, file: &str) -> Result<Option<OwnedFile>, SessionError> {
        if !file.is_empty() {
            return self.own(file).map(Some);
        }
        if self.batch_owned.is_none() {
            self.batch_owned = self.batch_file.as_deref().map(|file| self.own(file)).transpose()?;
        }
        Ok(self.batch_owned)
    }
}
