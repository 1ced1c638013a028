//! A Cortex-M that is told of its surroundings by nobody: whoever starts it has put the recording
//! into its memory, and reads what it prints through the debugger's channel (semihosting).

#![expect(unsafe_code, reason = "symbols of the linker, and memory that nothing else describes")]

use core::{panic::PanicInfo, ptr, slice};

// It brings what stands in for locks where there is one core.
use cortex_m as _;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprint, hprintln};

use crate::heap;

/// Where the recording is: its size in bytes as a word, and itself behind it. It is beyond the flash
/// and the RAM of the chip.
const RECORDING: *const u32 = 0x2100_0000 as *const u32;

/// What the runtime fills the stack with before anything runs.
const UNUSED: u32 = 0xCCCC_CCCC;

unsafe extern "C" {
    // Their addresses are what counts. The code and its constants end where the initial values of
    // variables begin, which are in flash as well.
    static __sidata: u32;
    static __sdata: u32;
    static __edata: u32;
    static __sbss: u32;
    static __ebss: u32;
    static _stack_end: u32;
    static _stack_start: u32;
}

#[entry]
fn main() -> ! {
    heap::start();
    // SAFETY: the recording is there, as the module says, and nobody writes there.
    let recording = unsafe {
        let size = ptr::read_volatile(RECORDING) as usize;
        slice::from_raw_parts(RECORDING.add(1).cast::<u8>(), size)
    };
    match crate::replay(recording) {
        Ok(told) => {
            hprint!("{}", told);
            measure();
            debug::exit(debug::EXIT_SUCCESS);
        }
        Err(why) => {
            hprintln!("{}", why);
            debug::exit(debug::EXIT_FAILURE);
        }
    }
    // The debugger has ended it.
    loop {}
}

/// Prints what the program takes, in bytes.
fn measure() {
    let variables = (&raw const __edata).addr() - (&raw const __sdata).addr();
    let flash = (&raw const __sidata).addr() + variables;
    let zeroed = (&raw const __ebss).addr() - (&raw const __sbss).addr();
    let (heap, stack) = (heap::peak(), stack());
    let others = variables + zeroed - heap::SIZE;
    hprintln!("flash      {} bytes", flash);
    hprintln!(
        "RAM        {} bytes: heap {}, stack {}, static {}",
        heap + stack + others,
        heap,
        stack,
        others
    );
}

/// The most that was ever on the stack, in bytes.
fn stack() -> usize {
    let start = (&raw const _stack_start).addr();
    let mut at = &raw const _stack_end;
    // SAFETY: this is the memory of the stack, of which this looks at what has not been used.
    while at.addr() < start && unsafe { ptr::read_volatile(at) } == UNUSED {
        at = at.wrapping_add(1);
    }
    start - at.addr()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}
