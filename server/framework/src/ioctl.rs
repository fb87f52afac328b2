//! I/O control codes (IOC-1, IOC-2). A code is compared whole: codes that differ only in method or access
//! are different codes (IOC-3).

/// A 32-bit I/O control code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IoControlCode(pub u32);

/// How the buffers of a control code travel (IOC-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferMethod {
    /// `METHOD_BUFFERED`, 0.
    Buffered,
    /// `METHOD_IN_DIRECT`, 1.
    InDirect,
    /// `METHOD_OUT_DIRECT`, 2.
    OutDirect,
    /// `METHOD_NEITHER`, 3: not available to UMDF drivers (IOC-8).
    Neither,
}

/// What a stack does with `METHOD_NEITHER` codes that cross the process boundary (`UmdfMethodNeitherAction`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MethodNeitherAction {
    /// Complete the request with an error; the driver is not called (IOC-9).
    #[default]
    Reject,
    /// Convert to buffered and deliver.
    Copy,
}

impl IoControlCode {
    /// `CTL_CODE`: device type (16 bits), function (12 bits), method, access (2 bits). Larger values are cut.
    pub const fn new(device_type: u16, function: u16, method: TransferMethod, access: u8) -> IoControlCode {
        IoControlCode(
            ((device_type as u32) << 16)
                | ((access as u32 & 3) << 14)
                | ((function as u32 & 0xFFF) << 2)
                | method as u32,
        )
    }

    /// Bits 1-0.
    pub const fn method(self) -> TransferMethod {
        match self.0 & 3 {
            0 => TransferMethod::Buffered,
            1 => TransferMethod::InDirect,
            2 => TransferMethod::OutDirect,
            _ => TransferMethod::Neither,
        }
    }

    /// Bits 13-2.
    pub const fn function(self) -> u16 {
        ((self.0 >> 2) & 0xFFF) as u16
    }

    /// Bits 15-14.
    pub const fn access(self) -> u8 {
        ((self.0 >> 14) & 3) as u8
    }

    /// Bits 31-16.
    pub const fn device_type(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

impl std::fmt::Display for IoControlCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h01_layout() {
        assert_eq!(IoControlCode::new(0x8000, 0x800, TransferMethod::Buffered, 0), IoControlCode(0x8000_2000));
        assert_eq!(IoControlCode::new(0x22, 0x801, TransferMethod::OutDirect, 1), IoControlCode(0x0022_6006));
        assert_eq!(IoControlCode::new(0xFFFF, 0xFFF, TransferMethod::Neither, 3), IoControlCode(0xFFFF_FFFF));
        let code = IoControlCode(0x0022_6006);
        assert_eq!((code.device_type(), code.function(), code.access()), (0x22, 0x801, 1));
        assert_eq!(code.method(), TransferMethod::OutDirect);
    }
}
