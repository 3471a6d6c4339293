//! The C library that this process runs on, which is the one that the host's programs start with.

/// Its version, if it is glibc.
#[cfg(all(target_env = "gnu", not(target_feature = "crt-static")))]
#[must_use]
pub fn version() -> Option<(u32, u32)> {
    // SAFETY: takes nothing and gives a pointer to a constant of the library.
    let text = unsafe { libc::gnu_get_libc_version() };
    // SAFETY: that constant is a string with its NUL, and is never changed.
    let text = unsafe { std::ffi::CStr::from_ptr(text) };
    let mut numbers = text.to_str().ok()?.split('.').map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Not known from inside of a static program.
#[cfg(not(all(target_env = "gnu", not(target_feature = "crt-static"))))]
#[must_use]
pub fn version() -> Option<(u32, u32)> {
    None
}
