//! Message transforms: looking at, rewriting or swallowing messages on their way.

use std::sync::Arc;

use crate::{
    Flow,
    codec::{CodecError, Parser},
    frame::Frame,
    spark::Spark,
};

/// A transform of messages, incoming or outgoing; see
/// [`ServerBuilder::transform_incoming`](crate::ServerBuilder::transform_incoming).
///
/// Transforms run in the order they were added and for one spark one message at a time, so they
/// keep the order of messages even when they wait. Control messages (`primus::…`) do not pass
/// through them.
///
/// A closure that needs not wait is one:
/// ```
/// use stellarfw_transport::{Flow, Server};
///
/// let builder = Server::builder().transform_incoming(|_spark: &_, packet: stellarfw_transport::Packet| {
///     Flow::Ready((packet.frame().len() < 1_000).then_some(packet)) // swallow long ones
/// });
/// ```
pub trait Transform: Send + Sync + 'static {
    /// Gives the message back, another in its place, or `None` to swallow it.
    fn transform(&self, spark: &Spark, packet: Packet) -> Flow<Option<Packet>>;
}

impl<F> Transform for F
where
    F: Fn(&Spark, Packet) -> Flow<Option<Packet>> + Send + Sync + 'static,
{
    fn transform(&self, spark: &Spark, packet: Packet) -> Flow<Option<Packet>> {
        self(spark, packet)
    }
}

/// A message under way through the transforms: a payload, and the codec to read it with.
#[derive(Clone, Debug)]
pub struct Packet {
    frame: Frame,
    parser: Parser,
}

impl Packet {
    pub(crate) fn new(frame: Frame, parser: Parser) -> Self {
        Self { frame, parser }
    }

    /// The payload.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The payload, taken.
    #[must_use]
    pub fn into_frame(self) -> Frame {
        self.frame
    }

    /// The payload as a value.
    ///
    /// # Errors
    /// When it is not of the server's codec or not of `T`'s shape.
    pub fn decode<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, CodecError> {
        self.parser.decode(self.frame.as_message())
    }

    /// Another value in its place.
    ///
    /// # Errors
    /// When the codec cannot encode it; the packet is unchanged then.
    pub fn set<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        self.frame = self.parser.encode(value)?;
        Ok(())
    }

    /// Another payload in its place.
    pub fn set_frame(&mut self, frame: Frame) {
        self.frame = frame;
    }
}

/// The transforms of one direction, in order.
pub(crate) type Transforms = Arc<[Box<dyn Transform>]>;

/// Leads a packet through all of them; a box is made only from the first one that waits.
pub(crate) fn run(list: &Transforms, spark: &Spark, mut packet: Packet) -> Flow<Option<Packet>> {
    for (at, transform) in list.iter().enumerate() {
        match transform.transform(spark, packet) {
            Flow::Ready(Some(next)) => packet = next,
            Flow::Ready(None) => return Flow::Ready(None),
            Flow::Wait(future) => {
                let (list, spark) = (list.clone(), spark.clone());
                return Flow::Wait(Box::pin(async move {
                    let mut packet = future.await?;
                    for transform in list.iter().skip(at + 1) {
                        packet = transform.transform(&spark, packet).await?;
                    }
                    Some(packet)
                }));
            }
        }
    }
    Flow::Ready(Some(packet))
}
