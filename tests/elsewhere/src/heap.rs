//! A heap of fixed size that knows how full it has been.

#![expect(unsafe_code, reason = "an allocator is unsafe to write")]

use core::{
    alloc::{GlobalAlloc, Layout},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use embedded_alloc::LlffHeap;

/// Its size, in bytes.
pub(crate) const SIZE: usize = 96 << 10;

#[global_allocator]
static HEAP: Watched = Watched { heap: LlffHeap::empty(), peak: AtomicUsize::new(0) };

struct Watched {
    heap: LlffHeap,
    peak: AtomicUsize,
}

// SAFETY: it does what the heap does.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        let at = unsafe { self.heap.alloc(layout) };
        self.peak.fetch_max(self.heap.used(), Relaxed);
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.heap.dealloc(at, layout) }
    }
}

/// Has it have memory. To be called once, before anything is allocated.
pub(crate) fn start() {
    static mut MEMORY: [u8; SIZE] = [0; SIZE];
    // SAFETY: nothing else uses this memory, and this is called once.
    unsafe { HEAP.heap.init((&raw mut MEMORY).addr(), SIZE) }
}

/// The most that was ever taken, in bytes.
pub(crate) fn peak() -> usize {
    HEAP.peak.load(Relaxed)
}
