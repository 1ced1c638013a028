//! What the fuzz target `trace` does with its bytes.

use switchboard_core::{Config, Instant, RingLimit};
use switchboard_trace::{
    Checkpoint, Digest, Explain, Filter, Header, MAGIC, Observer, Replay, ReplayError, Trace,
    VERSION,
};

/// A recording: whatever it says is played or refused, again the same, and explained. Its checksums
/// are made right, and so is its header if it has none, so that what is behind them is looked at.
pub fn trace(data: &[u8]) {
    let bytes = data.get(start().len()..).unwrap_or_default();
    let file = [start(), with_checksums(bytes)].concat();
    let file = if begins(&file) { file } else { with_header(data) };
    let digest = play(&file, &mut ());
    for (uid, filter) in [("alice", Filter::Any), ("bob", Filter::Like("e".to_owned()))] {
        let mut explain = Explain::new(uid, filter);
        assert_eq!(play(&file, &mut explain), digest);
        for account in explain.finish() {
            assert!(!account.fates.is_empty(), "{account:?}");
        }
    }
}

fn begins(file: &[u8]) -> bool {
    Trace::new(file).and_then(Trace::replay).is_ok()
}

/// Goes on even where the hub tells something else than the file says.
fn play(file: &[u8], observer: &mut impl Observer) -> Digest {
    let begun = Trace::new(file).and_then(Trace::replay);
    let (mut replay, blocks): (Replay, _) = begun.expect("a header");
    for block in blocks.map_while(Result::ok) {
        let played = replay.play(block, observer);
        replay.hub().assert_consistent();
        if let Err(ReplayError::Malformed { .. }) = played {
            break;
        }
    }
    replay.digest()
}

fn start() -> Vec<u8> {
    [&MAGIC[..], &VERSION.to_le_bytes()].concat()
}

/// These blocks, each as what was written, and the last one cut to what there is.
fn with_checksums(mut bytes: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(8) {
        let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let size = usize::try_from(size).map_or(rest.len(), |size| size.min(rest.len()));
        let (content, behind) = rest.split_at(size);
        blocks.extend(block(content));
        bytes = behind;
    }
    blocks
}

/// A recording of these operations.
fn with_header(ops: &[u8]) -> Vec<u8> {
    let ring = RingLimit { entries: 2, bytes: 100 };
    let header = Header {
        config: Config {
            everyone_ring: ring,
            user_ring: ring,
            group_ring: ring,
            ..Config::default()
        },
        start: Instant::ZERO,
        started_at: 0,
        is_continued: false,
    };
    let checkpoint = Checkpoint { ops: u64::MAX, digest: Digest::default() };
    let written = |bytes: postcard::Result<Vec<u8>>| bytes.expect("memory takes it");
    let header = block(&written(postcard::to_allocvec(&header)));
    let ops = block(&[&written(postcard::to_allocvec(&checkpoint)), ops].concat());
    [start(), header, ops].concat()
}

fn block(content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).expect("a small file");
    let checksum = crc32fast::hash(content);
    [&size.to_le_bytes(), &checksum.to_le_bytes(), content].concat()
}
