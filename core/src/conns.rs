//! The connections, by their ids.

#[cfg(feature = "serde")]
use alloc::boxed::Box;
use alloc::{vec, vec::Vec};
#[cfg(feature = "serde")]
use core::iter::successors;
use core::ops::{Index, IndexMut};

use slotmap::{Key, KeyData};

#[cfg(feature = "serde")]
use crate::state::{SavedConn, SavedSlot};
use crate::{ConnId, conn::Conn};

/// A table in which an id stands for one connection, and never for another.
///
/// An id is a slot and the slot's *version*, which counts what came to and went from it: it is odd
/// while the slot holds a connection. The slot that was left last is the next to be taken. As this
/// decides what ids come next, it is a part of the hub's state, to be written out and read back;
/// tables in libraries keep it to themselves.
pub(crate) struct Conns {
    /// The first one is never taken.
    slots: Vec<Slot>,
    /// The slot to be taken next; the first if there is none but a new one.
    free: u32,
    len: usize,
}

struct Slot {
    version: u32,
    /// While it is free: the slot that is to be taken after it.
    next_free: u32,
    conn: Option<Conn>,
}

const FIRST: Slot = Slot { version: 0, next_free: 0, conn: None };

pub(crate) fn id(slot: u32, version: u32) -> ConnId {
    KeyData::from_ffi(u64::from(version) << 32 | u64::from(slot)).into()
}

/// The slot, and its version.
#[inline]
fn parts(id: ConnId) -> (u32, u32) {
    let both = id.data().as_ffi();
    (both as u32, (both >> 32) as u32)
}

impl Default for Conns {
    fn default() -> Self {
        Self { slots: vec![FIRST], free: 0, len: 0 }
    }
}

impl Conns {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn contains_key(&self, id: ConnId) -> bool {
        self.get(id).is_some()
    }

    #[inline]
    pub(crate) fn get(&self, id: ConnId) -> Option<&Conn> {
        let (slot, version) = parts(id);
        let slot = self.slots.get(slot as usize)?;
        if slot.version == version { slot.conn.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        let (slot, version) = parts(id);
        let slot = self.slots.get_mut(slot as usize)?;
        if slot.version == version { slot.conn.as_mut() } else { None }
    }

    pub(crate) fn insert(&mut self, conn: Conn) -> ConnId {
        self.len += 1;
        if self.free != 0 {
            let slot = &mut self.slots[self.free as usize];
            slot.version |= 1;
            slot.conn = Some(conn);
            let id = id(self.free, slot.version);
            self.free = slot.next_free;
            return id;
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than 2³² connections at a time");
        self.slots.push(Slot { version: 1, next_free: 0, conn: Some(conn) });
        id(slot, 1)
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Conn> {
        let (number, version) = parts(id);
        let slot = self.slots.get_mut(number as usize)?;
        if slot.version != version {
            return None;
        }
        let conn = slot.conn.take()?;
        self.len -= 1;
        // A slot that has no further version is not used again.
        if let Some(next) = version.checked_add(1) {
            slot.version = next;
            slot.next_free = self.free;
            self.free = number;
        }
        Some(conn)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnId, &Conn)> {
        let numbered = (0..).zip(&self.slots);
        numbered.filter_map(|(number, slot)| Some((id(number, slot.version), slot.conn.as_ref()?)))
    }

    /// Whether this has been a connection's id.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn was_given(&self, id: ConnId) -> bool {
        let (slot, version) = parts(id);
        slot != 0 && self.slots.get(slot as usize).is_some_and(|slot| version <= slot.version)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = ConnId> {
        self.iter().map(|(id, _)| id)
    }
}

#[cfg(feature = "serde")]
impl Conns {
    /// All slots, and the free ones in the order in which they are to be taken.
    pub(crate) fn save(&self, save: impl Fn(&Conn) -> SavedConn) -> (Vec<SavedSlot>, Vec<u32>) {
        let slots = self.slots.iter().skip(1);
        let save = |conn: &Conn| Box::new(save(conn));
        let slots = slots
            .map(|slot| SavedSlot { version: slot.version, conn: slot.conn.as_ref().map(save) });
        let next_free = |slot: &u32| Some(self.slots[*slot as usize].next_free);
        let free = successors(Some(self.free), next_free).take_while(|slot| *slot != 0);
        (slots.collect(), free.collect())
    }

    /// Adds a slot.
    ///
    /// # Errors
    /// If there cannot be such a slot.
    pub(crate) fn restore_slot(
        &mut self,
        version: u32,
        conn: Option<Conn>,
    ) -> Result<(), &'static str> {
        let is_taken = version % 2 == 1;
        let is_used_up = version == u32::MAX;
        if is_taken != conn.is_some() && !(is_used_up && conn.is_none()) {
            return Err("a connection's id that is none");
        }
        u32::try_from(self.slots.len()).map_err(|_| "more connections than there are ids")?;
        self.len += usize::from(conn.is_some());
        self.slots.push(Slot { version, next_free: 0, conn });
        Ok(())
    }

    /// Takes the order of the free slots, when all are there.
    ///
    /// # Errors
    /// If these are not the free slots.
    pub(crate) fn restore_free(&mut self, free: &[u32]) -> Result<(), &'static str> {
        let is_free = |slot: &Slot| slot.version.is_multiple_of(2);
        let mut left: Vec<_> = self.slots.iter().map(is_free).collect();
        left[0] = false;
        for &slot in free.iter().rev() {
            match left.get_mut(slot as usize) {
                Some(left) if *left => *left = false,
                _ => return Err("a free place for connections that is not free"),
            }
            self.slots[slot as usize].next_free = self.free;
            self.free = slot;
        }
        if left.contains(&true) { Err("a free place that is lost") } else { Ok(()) }
    }
}

impl Index<ConnId> for Conns {
    type Output = Conn;

    #[inline]
    fn index(&self, id: ConnId) -> &Conn {
        self.get(id).expect("a connection that the hub knows")
    }
}

impl IndexMut<ConnId> for Conns {
    #[inline]
    fn index_mut(&mut self, id: ConnId) -> &mut Conn {
        self.get_mut(id).expect("a connection that the hub knows")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conn::State;

    fn conn() -> Conn {
        Conn::new(State::Login)
    }

    #[test]
    fn an_id_is_given_out_once_and_the_last_slot_left_is_taken_first() {
        let mut conns = Conns::default();
        let [a, b, c] = [conn(), conn(), conn()].map(|conn| conns.insert(conn));
        assert_eq!([a, b, c].map(parts), [(1, 1), (2, 1), (3, 1)]);
        assert!(conns.remove(a).is_some() && conns.remove(a).is_none());
        assert!(conns.remove(c).is_some());
        assert!(!conns.contains_key(a) && conns.contains_key(b) && !conns.contains_key(c));
        assert_eq!(conns.keys().collect::<Vec<_>>(), [b]);
        let next = [conn(), conn(), conn()].map(|conn| parts(conns.insert(conn)));
        assert_eq!(next, [(3, 3), (1, 3), (4, 1)]);
        assert!(!conns.contains_key(a) && conns.get_mut(c).is_none() && conns.remove(c).is_none());
        assert_eq!(conns.len(), 4);
    }

    #[test]
    fn what_is_no_id_finds_nothing() {
        let mut conns = Conns::default();
        conns.insert(conn());
        for other in [ConnId::null(), id(0, 1), id(1, 3), id(2, 1), id(u32::MAX, u32::MAX)] {
            assert!(conns.get(other).is_none() && conns.remove(other).is_none());
        }
    }

    /// That it may be empty costs a slot nothing.
    #[test]
    fn a_slot_is_as_large_as_a_connection_and_its_version() {
        assert_eq!(size_of::<Slot>(), size_of::<Conn>() + 8);
    }

    #[test]
    fn a_slot_is_given_up_before_its_ids_repeat() {
        let mut conns = Conns::default();
        conns.insert(conn());
        conns.slots[1].version = u32::MAX;
        let last = id(1, u32::MAX);
        assert!(conns.remove(last).is_some() && !conns.contains_key(last));
        assert_eq!(conns.keys().count(), 0);
        assert_eq!(parts(conns.insert(conn())), (2, 1));
    }
}
