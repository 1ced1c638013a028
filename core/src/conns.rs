//! The connections, by their ids.

use core::ops::{Index, IndexMut};

use alloc::{vec, vec::Vec};
use slotmap::{Key, KeyData};

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

fn id(slot: u32, version: u32) -> ConnId {
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

    pub(crate) fn keys(&self) -> impl Iterator<Item = ConnId> {
        self.iter().map(|(id, _)| id)
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
