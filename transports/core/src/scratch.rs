//! The buffers of a thread: what its connections read into, and what they frame into to write from
//! there. An idle connection needs neither.

use std::cell::{Cell, RefCell};

/// As long is the buffer that is read into.
const READ: usize = 64 << 10;
/// As much room has the buffer to write from at first.
const WRITE: usize = 16 << 10;
/// What has grown beyond this to write from ...
const WRITE_MAX: usize = 256 << 10;
/// ... is given back, and so much room kept.
const WRITE_KEPT: usize = 64 << 10;

thread_local! {
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(WRITE));
}

/// Calls a function with the buffer of 64 KiB that the connections of a thread read into. What is
/// in it is of whoever had it before. For engines.
pub fn with_read_buffer<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    // Taken out: whatever is called meanwhile would get another.
    let mut buffer = INPUT.take();
    if buffer.is_empty() {
        buffer = vec![0; READ];
    }
    let result = f(&mut buffer);
    INPUT.set(buffer);
    result
}

/// Calls a function with the buffer that the connections of a thread put together what they write
/// in. It is empty, and may grow. For engines.
pub fn with_write_buffer<T>(f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    OUTPUT.with(|output| {
        let (mut taken, mut own);
        let buffer: &mut Vec<u8> = match output.try_borrow_mut() {
            Ok(buffer) => {
                taken = buffer;
                &mut taken
            }
            // Whoever is called meanwhile gets another.
            Err(_) => {
                own = Vec::new();
                &mut own
            }
        };
        buffer.clear();
        let result = f(buffer);
        if buffer.capacity() > WRITE_MAX {
            *buffer = Vec::with_capacity(WRITE_KEPT);
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use super::{WRITE, WRITE_KEPT, WRITE_MAX, with_read_buffer, with_write_buffer};

    #[test]
    fn a_thread_has_one_of_each() {
        let place = |buffer: &mut [u8]| buffer.as_ptr();
        assert_eq!(with_read_buffer(place), with_read_buffer(place));
        let place = |buffer: &mut Vec<u8>| buffer.as_ptr();
        assert_eq!(with_write_buffer(place), with_write_buffer(place));
    }

    #[test]
    fn whoever_is_called_meanwhile_has_another() {
        with_read_buffer(|outer| {
            outer[0] = 1;
            with_read_buffer(|inner| inner[0] = 2);
            assert_eq!(outer[0], 1);
        });
        with_write_buffer(|outer| {
            outer.push(1);
            with_write_buffer(|inner| {
                assert!(inner.is_empty());
                inner.push(2);
            });
            assert_eq!(outer[..], [1]);
        });
    }

    #[test]
    fn what_is_written_from_is_empty_and_does_not_stay_large() {
        let capacity = with_write_buffer(|buffer| {
            buffer.push(1);
            buffer.capacity()
        });
        assert_eq!(capacity, WRITE);
        with_write_buffer(|buffer| {
            assert!(buffer.is_empty());
            buffer.reserve(WRITE_MAX + 1);
        });
        assert_eq!(with_write_buffer(|buffer| buffer.capacity()), WRITE_KEPT);
    }
}
