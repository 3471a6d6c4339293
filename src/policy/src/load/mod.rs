//! From text to [`crate::Policy`]: JSON with comments, exact positions, every problem at once.
//!
//! Always holds: text that was not understood completely is no policy; a message quotes only text of the file it is about.
