//! What a submitter knows of a request, so that its completion need not repeat it (REQ-36).

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::format::Io;

use crate::completion::Completion;
use crate::hresult::HResult;

/// What a request was formatted with, as far as its completion tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FormatEcho {
    file_id: String,
    io_kind: v1::IoKind,
    ioctl_code: u32,
    device_offset: Option<i64>,
    output_offset: Option<v1::MemoryOffset>,
    input_offset: Option<v1::MemoryOffset>,
}

impl FormatEcho {
    /// The echo of a format, which is complete when it has its file and its I/O.
    pub(crate) fn of(format: &v1::Format) -> FormatEcho {
        let into = |output: &Option<v1::OutputMemory>| output.as_ref().and_then(|memory| memory.offset);
        let from = |input: &Option<v1::InputMemory>| input.as_ref().and_then(|memory| memory.offset);
        let mut echo = FormatEcho { file_id: format.file_id.clone(), ..FormatEcho::default() };
        match &format.io {
            Some(Io::Read(read)) => {
                echo.io_kind = v1::IoKind::Read;
                echo.device_offset = read.device_offset;
                echo.output_offset = into(&read.output_memory);
            }
            Some(Io::Write(write)) => {
                echo.io_kind = v1::IoKind::Write;
                echo.device_offset = write.device_offset;
                echo.input_offset = from(&write.input_memory);
            }
            Some(Io::DeviceControl(control)) => {
                echo.io_kind = v1::IoKind::DeviceControl;
                echo.ioctl_code = control.code;
                echo.output_offset = into(&control.output_memory);
                echo.input_offset = from(&control.input_memory);
            }
            Some(Io::Flush(v1::FlushFormat {})) => echo.io_kind = v1::IoKind::FlushBuffers,
            Some(Io::QueryInformation(query)) => {
                echo.io_kind = v1::IoKind::QueryInformation;
                echo.output_offset = into(&query.output_memory);
            }
            Some(Io::SetInformation(set)) => {
                echo.io_kind = v1::IoKind::SetInformation;
                echo.input_offset = from(&set.input_memory);
            }
            // Neither reaches a driver (IOC-14).
            Some(Io::InternalDeviceControl(_)) | None => {}
        }
        echo
    }

    /// The whole completion.
    pub(crate) fn complete(self, completed: v1::QueueCompletion) -> Completion {
        Completion {
            request_id: completed.request_id,
            file_id: self.file_id,
            io_kind: self.io_kind,
            hresult: HResult(completed.hresult),
            information: completed.information,
            data: completed.data,
            ioctl_code: self.ioctl_code,
            device_offset: self.device_offset,
            output_offset: self.output_offset,
            input_offset: self.input_offset,
        }
    }
}
