//! Going through many sparks without waiting for memory at each.
//!
//! What the sparks of a large room are made of fits no cache. One after the other, each is waited
//! for; looked at a few ahead, they come all at once.

use crate::spark::Spark;

/// So many are looked at ahead: about as many loads as a processor has under way at once.
const AHEAD: usize = 16;

/// Calls a function for each of many things that have a spark, in order, such as the members of a
/// room. The function may push to the spark, or flush it.
///
/// ```
/// # use stellarfw_transport::{Delivery, Frame, Spark, for_each_ahead};
/// fn deliver(sparks: &[Spark], frame: &Frame) {
///     for_each_ahead(sparks, |spark| spark, |spark| {
///         spark.send_frame(frame.clone(), Delivery::Reliable).ok();
///     });
/// }
/// ```
pub fn for_each_ahead<T>(items: &[T], spark: impl Fn(&T) -> &Spark, mut each: impl FnMut(&T)) {
    for chunk in items.chunks(AHEAD) {
        // A few are in the cache since they were last sent to.
        if items.len() > AHEAD {
            chunk.iter().for_each(|item| spark(item).prefetch());
        }
        chunk.iter().for_each(&mut each);
    }
}

/// The same for sparks that are let go of: each is taken out and given to the function.
pub(crate) fn take_each_ahead(sparks: &mut [Option<Spark>], mut each: impl FnMut(Spark)) {
    let is_long = sparks.len() > AHEAD;
    for chunk in sparks.chunks_mut(AHEAD) {
        if is_long {
            chunk.iter().flatten().for_each(Spark::prefetch);
        }
        chunk
            .iter_mut()
            .filter_map(Option::take)
            .for_each(&mut each);
    }
}
