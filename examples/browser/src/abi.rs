//! What a page calls: numbers and pointers into the module's memory, as C has them. The names
//! are ones that no library of C has.

#![expect(unsafe_code, reason = "a name that is known outside counts as such; nothing else is")]

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{Page, Told};

/// A [`Page`], and the text that goes in and out.
pub struct Handle {
    page: Page,
    typed: Vec<u8>,
    text: String,
    shown: Shown,
}

/// What [`hub_poll`] found.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Shown {
    /// The number of the pane.
    pub pane: u32,
    /// 0 for a message, or the code with which the connection was closed.
    pub code: u32,
    /// Where the text is, which is UTF-8.
    pub text: *const u8,
    /// Its size in bytes.
    pub size: usize,
}

/// A hub for a page, which has it for as long as it lasts.
#[unsafe(no_mangle)]
pub extern "C" fn hub_start(seed: u64) -> Box<Handle> {
    let shown = Shown { pane: 0, code: 0, text: core::ptr::null(), size: 0 };
    Box::new(Handle { page: Page::new(seed), typed: Vec::new(), text: String::new(), shown })
}

/// Where to put so many bytes of text before [`hub_say`].
#[unsafe(no_mangle)]
pub extern "C" fn hub_room(handle: &mut Handle, bytes: usize) -> *mut u8 {
    handle.typed.clear();
    handle.typed.resize(bytes, 0);
    handle.typed.as_mut_ptr()
}

/// Sends what was put there. What is not UTF-8 is not sent.
#[unsafe(no_mangle)]
pub extern "C" fn hub_say(handle: &mut Handle, millis: f64, pane: usize) {
    if let Ok(text) = core::str::from_utf8(&handle.typed) {
        handle.page.say(millis, pane, text);
    }
}

/// Ends the pane's connection.
#[unsafe(no_mangle)]
pub extern "C" fn hub_leave(handle: &mut Handle, millis: f64, pane: usize) {
    handle.page.leave(millis, pane);
}

/// The next thing to show, which is there until the next call; null if there is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn hub_poll(handle: &mut Handle, millis: f64) -> *const Shown {
    let Some(told) = handle.page.poll(millis) else { return core::ptr::null() };
    let (pane, code, text) = match told {
        Told::Text(pane, text) => (pane, 0, text),
        Told::Closed(pane, code, reason) => (pane, code, reason),
    };
    handle.text = text;
    handle.shown = Shown {
        pane: pane as u32,
        code: code.into(),
        text: handle.text.as_ptr(),
        size: handle.text.len(),
    };
    &raw const handle.shown
}

/// In how many milliseconds to [`hub_poll`] at the latest; below zero if that is not needed.
#[unsafe(no_mangle)]
pub extern "C" fn hub_wait(handle: &Handle, millis: f64) -> f64 {
    handle.page.wait(millis).unwrap_or(-1.0)
}
