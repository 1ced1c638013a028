//! Whether connections are told that they have something to pull.

use std::collections::BTreeMap;

use switchboard_core::ConnId;

use crate::Model;

/// Members that the hub passes over before it tells one of them again.
const PASS_OVER: usize = 64;

/// Judges [`Output::Ready`](switchboard_core::Output::Ready) by what the model says is there to
/// read. The hub owes one to whoever comes to have something to read after it was pulled empty, by
/// the time that all outputs are drained. Until then the time is the hub's choice: the connection
/// may have been pulled empty meanwhile. More than is owed comes only as one of the repeats that
/// keep a walk over many members from taking long.
#[derive(Clone, Default)]
pub(crate) struct Wakeups {
    conns: BTreeMap<ConnId, Told>,
    /// An upper bound of the members visited since there was last no output left.
    visits: usize,
}

#[derive(Clone, Default)]
struct Told {
    /// Has had something to read since it was pulled empty.
    awake: bool,
    /// Has been told since it was pulled empty.
    told: bool,
    /// Outputs that it may yet get.
    owed: usize,
}

impl Wakeups {
    /// Takes note of who has something to read. To be called after each call of the hub.
    pub(crate) fn observe(&mut self, model: &Model) {
        self.conns.retain(|&conn, _| model.ids().any(|id| id == conn));
        for id in model.ids() {
            let conn = self.conns.entry(id).or_default();
            if !conn.awake && model.has_to_read(id) {
                conn.awake = true;
                conn.owed += 1;
            }
        }
    }

    /// The hub took a message, which has it visit each of at most so many members once more.
    pub(crate) fn accepted(&mut self, members: usize) {
        self.visits += members + 1;
    }

    /// A pull of `id` gave nothing.
    pub(crate) fn emptied(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            (conn.awake, conn.told) = (false, false);
        }
    }

    /// `id` was told.
    pub(crate) fn ready(&mut self, id: ConnId) -> Result<(), String> {
        let Some(conn) = self.conns.get_mut(&id) else {
            return Err("it is forgotten".into());
        };
        conn.told = true;
        if conn.owed > 0 {
            conn.owed -= 1;
        } else if self.visits >= PASS_OVER {
            self.visits -= PASS_OVER;
        } else {
            return Err("it has nothing to read, or knows it already".into());
        }
        Ok(())
    }

    /// There is no output left.
    pub(crate) fn drained(&mut self, model: &Model) -> Result<(), String> {
        self.visits = 0;
        let untold = |id: &ConnId| model.has_to_read(*id) && !self.conns[id].told;
        match model.ids().find(untold) {
            Some(id) => Err(format!("{id:?} has something to read and was not told")),
            None => Ok(()),
        }
    }

    /// Those who were told and have not been pulled empty since.
    pub(crate) fn told(&self) -> Vec<ConnId> {
        let told = self.conns.iter().filter(|(_, conn)| conn.told);
        told.map(|(id, _)| *id).collect()
    }
}
