//! The namespaces that a client is connected to: a state machine without I/O.
//!
//! Each namespace passes through these states, and ends in none of them:
//!
//! | state | meaning |
//! |---|---|
//! | asking | the client has asked to connect, and the authorizer decides |
//! | opening | the client is admitted, and the hooks of its spark run |
//! | open | messages are exchanged |
//!
//! The methods return what the caller has to do. `C` is the caller's own handle of a connection.

use stellarfw_transport::CloseReason;

/// Refusals after which a client's transport is closed.
const MAX_REFUSALS: u32 = 16;

/// The namespaces of one client.
#[derive(Debug)]
pub(crate) struct Namespaces<C> {
    slots: Vec<Slot<C>>,
    refusals: u32,
    /// A client without a connection is closed at its deadline even if it is asking for one.
    is_first: bool,
    /// Why the transport closes, once it does.
    ending: Option<CloseReason>,
}

#[derive(Debug)]
struct Slot<C> {
    /// The namespace's number in the configuration.
    number: u32,
    state: State<C>,
}

#[derive(Debug)]
enum State<C> {
    Asking,
    Opening(C),
    Open(C),
}

impl<C> State<C> {
    fn connection(&self) -> Option<&C> {
        match self {
            Self::Asking => None,
            Self::Opening(connection) | Self::Open(connection) => Some(connection),
        }
    }
}

/// What to do with a client that asks for a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connect {
    /// Ask the authorizer.
    Ask,
    /// It is connected, or asking, already.
    Already,
    /// The transport is closing.
    Closing,
}

/// What to do with a client that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Report the refusal. The client stays connected to other namespaces.
    Report,
    /// Report the refusal, and close the transport if the client does not leave by itself.
    ReportAndExpect,
    /// Report the refusal and close the transport.
    ReportAndClose,
    /// Close the transport without a report, so that the client reconnects.
    Close,
    /// The transport is closing.
    Closing,
}

/// What to do with a client that disconnects from a namespace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left<C> {
    /// It is connected to others.
    OneOf(C),
    /// That was its last connection.
    Last(C),
    /// It is not connected to this one.
    Stray,
}

/// What to do with a connection that the server ends for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Report its end now: the client is connected to others.
    OneOf,
    /// Its end is reported when its hooks have run: it was still opening.
    Opening,
    /// Close the transport, and report its end after that.
    Last,
}

impl<C> Default for Namespaces<C> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            refusals: 0,
            is_first: true,
            ending: None,
        }
    }
}

impl<C: Clone + PartialEq> Namespaces<C> {
    /// The client asks to connect.
    pub(crate) fn connect(&mut self, number: u32) -> Connect {
        if self.ending.is_some() {
            return Connect::Closing;
        }
        if self.slots.iter().any(|slot| slot.number == number) {
            return Connect::Already;
        }
        self.slots.push(Slot {
            number,
            state: State::Asking,
        });
        Connect::Ask
    }

    /// The authorizer admits the client. Returns `false` if the transport is closing.
    pub(crate) fn admitted(&mut self, number: u32, connection: C) -> bool {
        if self.ending.is_some() {
            return false;
        }
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.number == number) else {
            return false;
        };
        slot.state = State::Opening(connection);
        self.is_first = false;
        true
    }

    /// The connection can receive messages. Returns the reason if it has ended meanwhile.
    pub(crate) fn opened(&mut self, number: u32, connection: &C) -> Option<CloseReason> {
        let gone = || CloseReason::Ended { reconnect: false };
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.number == number) else {
            return Some(self.ending.clone().unwrap_or_else(gone));
        };
        match &slot.state {
            State::Opening(opening) if opening == connection => {
                slot.state = State::Open(connection.clone());
                None
            }
            _ => Some(gone()),
        }
    }

    /// The authorizer refuses the client, or cannot decide because the server is `unavailable`.
    pub(crate) fn refused(&mut self, number: u32, unavailable: bool) -> Refused {
        self.slots
            .retain(|slot| slot.number != number || !matches!(slot.state, State::Asking));
        if self.ending.is_some() {
            return Refused::Closing;
        }
        self.refusals += 1;
        if self.refusals > MAX_REFUSALS {
            Refused::ReportAndClose
        } else if !self.slots.is_empty() {
            Refused::Report
        } else if unavailable {
            Refused::Close
        } else {
            self.is_first = false;
            Refused::ReportAndExpect
        }
    }

    /// The client disconnects.
    pub(crate) fn left(&mut self, number: u32) -> Left<C> {
        let is_it = |slot: &Slot<C>| slot.number == number && slot.state.connection().is_some();
        let Some(at) = self.slots.iter().position(is_it) else {
            return Left::Stray;
        };
        match (self.slots.remove(at).state, self.slots.is_empty()) {
            (State::Asking, _) => Left::Stray,
            (State::Opening(connection) | State::Open(connection), true) => Left::Last(connection),
            (State::Opening(connection) | State::Open(connection), false) => {
                Left::OneOf(connection)
            }
        }
    }

    /// The server ends a connection and tells the client not to reconnect.
    pub(crate) fn ended(&mut self, connection: &C, reason: &CloseReason) -> Ended {
        let is_it = |slot: &Slot<C>| slot.state.connection() == Some(connection);
        if self.ending.is_some() {
            return Ended::Last;
        }
        let Some(at) = self.slots.iter().position(is_it) else {
            // The client has left it meanwhile.
            return Ended::OneOf;
        };
        if self.slots.len() == 1 {
            self.ending = Some(reason.clone());
            return Ended::Last;
        }
        match self.slots.remove(at).state {
            State::Opening(_) => Ended::Opening,
            _ => Ended::OneOf,
        }
    }

    /// The transport closes for a reason. The first one counts, and is returned.
    pub(crate) fn close(&mut self, reason: CloseReason) -> CloseReason {
        self.ending.get_or_insert(reason).clone()
    }

    /// The transport is gone. Returns the connections whose end is to be reported now; that of one which
    /// is opening is returned by [`opened`](Self::opened).
    pub(crate) fn gone(&mut self, reason: CloseReason) -> (Vec<C>, CloseReason) {
        let reason = self.close(reason);
        let slots = std::mem::take(&mut self.slots).into_iter();
        let open = slots.filter_map(|slot| match slot.state {
            State::Open(connection) => Some(connection),
            State::Asking | State::Opening(_) => None,
        });
        (open.collect(), reason)
    }

    /// The deadline has come. Returns `true` if the transport is to be closed: the client has no
    /// connection, and none is about to open.
    pub(crate) fn is_late(&self) -> bool {
        match self.is_first {
            true => self.open().next().is_none(),
            false => self.slots.is_empty(),
        }
    }

    /// Returns the open connection to a namespace.
    pub(crate) fn get(&self, number: u32) -> Option<&C> {
        let slot = self.slots.iter().find(|slot| slot.number == number)?;
        slot.state.connection()
    }

    /// Returns the connections, those that are opening included.
    pub(crate) fn open(&self) -> impl Iterator<Item = &C> {
        self.slots.iter().filter_map(|slot| slot.state.connection())
    }

    /// Returns `true` if a connection is opening, so that messages for it must wait.
    pub(crate) fn is_opening(&self) -> bool {
        let is_opening = |slot: &Slot<C>| matches!(slot.state, State::Opening(_));
        self.slots.iter().any(is_opening)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR_GOOD: CloseReason = CloseReason::Ended { reconnect: false };
    const GONE: CloseReason = CloseReason::Gone;

    /// A client that is connected to these namespaces; the connections are their numbers.
    fn connected(numbers: &[u32]) -> Namespaces<u32> {
        let mut namespaces = Namespaces::default();
        for number in numbers {
            assert_eq!(namespaces.connect(*number), Connect::Ask);
            assert!(namespaces.admitted(*number, *number));
            assert_eq!(namespaces.opened(*number, number), None);
        }
        namespaces
    }

    #[test]
    fn a_client_connects_to_each_namespace_once() {
        let mut namespaces = Namespaces::default();
        assert!(namespaces.is_late());
        assert_eq!(namespaces.connect(0), Connect::Ask);
        assert_eq!(namespaces.connect(0), Connect::Already);
        assert_eq!(namespaces.get(0), None);
        assert_eq!(namespaces.left(0), Left::Stray);
        // Asking is not enough at the first deadline.
        assert!(namespaces.is_late());
        assert!(namespaces.admitted(0, 7));
        assert!(namespaces.is_opening() && !namespaces.is_late());
        assert_eq!(namespaces.connect(0), Connect::Already);
        assert_eq!(namespaces.opened(0, &7), None);
        assert!(!namespaces.is_opening());
        assert_eq!(namespaces.get(0), Some(&7));
        assert_eq!(namespaces.get(1), None);
        assert_eq!(namespaces.connect(1), Connect::Ask);
    }

    #[test]
    fn a_client_that_leaves_may_connect_again() {
        let mut namespaces = connected(&[0, 1]);
        assert_eq!(namespaces.left(2), Left::Stray);
        assert_eq!(namespaces.left(0), Left::OneOf(0));
        assert_eq!(namespaces.left(0), Left::Stray);
        assert_eq!(namespaces.left(1), Left::Last(1));
        assert!(namespaces.is_late());
        // The server ends it at the same moment.
        assert_eq!(namespaces.ended(&1, &FOR_GOOD), Ended::OneOf);
        // From now on asking is enough at the deadline.
        assert_eq!(namespaces.connect(0), Connect::Ask);
        assert!(!namespaces.is_late());
    }

    #[test]
    fn a_refused_client_stays_where_it_is_connected() {
        let mut namespaces = connected(&[0]);
        for _ in 0..MAX_REFUSALS {
            assert_eq!(namespaces.connect(1), Connect::Ask);
            assert_eq!(namespaces.refused(1, true), Refused::Report);
        }
        assert_eq!(namespaces.connect(1), Connect::Ask);
        assert_eq!(namespaces.refused(1, false), Refused::ReportAndClose);
        assert_eq!(namespaces.get(0), Some(&0));
    }

    #[test]
    fn a_client_refused_everywhere_is_closed_or_expected_to_leave() {
        let mut namespaces = Namespaces::<u32>::default();
        namespaces.connect(0);
        namespaces.connect(1);
        // The other may yet be admitted.
        assert_eq!(namespaces.refused(0, false), Refused::Report);
        assert_eq!(namespaces.refused(1, false), Refused::ReportAndExpect);
        assert!(namespaces.is_late());
        namespaces.connect(0);
        assert!(!namespaces.is_late());
        assert_eq!(namespaces.refused(0, true), Refused::Close);
    }

    #[test]
    fn the_server_ends_connections_one_by_one_and_the_last_with_the_transport() {
        let mut namespaces = connected(&[0, 1, 2]);
        assert_eq!(namespaces.ended(&1, &FOR_GOOD), Ended::OneOf);
        assert_eq!(namespaces.get(1), None);
        assert_eq!(namespaces.connect(1), Connect::Ask);
        assert_eq!(namespaces.refused(1, false), Refused::Report);
        assert_eq!(namespaces.ended(&0, &FOR_GOOD), Ended::OneOf);
        assert_eq!(namespaces.ended(&2, &FOR_GOOD), Ended::Last);
        assert_eq!(namespaces.connect(1), Connect::Closing);
        assert_eq!(namespaces.gone(GONE), (vec![2], FOR_GOOD));
        assert_eq!(namespaces.gone(GONE), (vec![], FOR_GOOD));
    }

    #[test]
    fn a_client_that_is_asking_keeps_its_transport() {
        let mut namespaces = connected(&[0]);
        assert_eq!(namespaces.connect(1), Connect::Ask);
        assert_eq!(namespaces.ended(&0, &FOR_GOOD), Ended::OneOf);
        assert!(namespaces.admitted(1, 1));
    }

    #[test]
    fn the_end_of_a_connection_that_is_opening_is_reported_when_it_is_open() {
        let mut namespaces = connected(&[0]);
        namespaces.connect(1);
        assert!(namespaces.admitted(1, 1));
        assert_eq!(namespaces.ended(&1, &FOR_GOOD), Ended::Opening);
        assert_eq!(namespaces.opened(1, &1), Some(FOR_GOOD));
        // The client has connected once more meanwhile.
        namespaces.connect(1);
        assert!(namespaces.admitted(1, 2));
        assert_eq!(namespaces.ended(&2, &FOR_GOOD), Ended::Opening);
        namespaces.connect(1);
        assert!(namespaces.admitted(1, 3));
        assert_eq!(namespaces.opened(1, &2), Some(FOR_GOOD));
        assert_eq!(namespaces.opened(1, &3), None);

        namespaces.connect(2);
        assert!(namespaces.admitted(2, 4));
        let (open, reason) = namespaces.gone(GONE);
        assert_eq!((open, reason), (vec![0, 3], GONE));
        assert_eq!(namespaces.opened(2, &4), Some(GONE));
    }

    #[test]
    fn nobody_is_admitted_to_a_transport_that_closes() {
        let mut namespaces = connected(&[0]);
        namespaces.connect(1);
        namespaces.connect(2);
        assert_eq!(
            namespaces.close(CloseReason::TooLarge),
            CloseReason::TooLarge
        );
        assert_eq!(namespaces.close(GONE), CloseReason::TooLarge);
        assert!(!namespaces.admitted(1, 1));
        assert_eq!(namespaces.refused(2, false), Refused::Closing);
        assert_eq!(namespaces.connect(3), Connect::Closing);
        assert_eq!(namespaces.ended(&0, &FOR_GOOD), Ended::Last);
        assert_eq!(namespaces.gone(GONE), (vec![0], CloseReason::TooLarge));
    }
}
