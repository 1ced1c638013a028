//! The queue in virtual time.

use proptest::prelude::*;

use super::*;

fn queue(capacity: usize, batch: usize) -> Queue<u64> {
    Queue::new(capacity, batch, Backoff::new(0))
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn numbers(batch: &Batch<u64>) -> Vec<u64> {
    batch.entries.iter().map(|entry| entry.sequence).collect()
}

fn sent(next: Next<u64>) -> (u64, Vec<u64>) {
    match next {
        Next::Send(batch) => (batch.dropped, numbers(&batch)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_comes_while_a_batch_is_in_flight_follows_in_the_next() {
    let mut queue = queue(10, 3);
    assert_eq!(queue.next(at(0)), Next::Idle);
    assert!(queue.offer(at(0), 0));
    assert_eq!(sent(queue.next(at(0))), (0, vec![1]));
    for _ in 0..4 {
        assert!(!queue.offer(at(1), 0));
    }
    assert_eq!(sent(queue.next(at(1))), (0, vec![1]));
    assert_eq!(queue.figures(at(2)).waiting, 5);
    assert_eq!(queue.figures(at(2)).oldest, Some(Duration::from_millis(2)));
    queue.delivered();
    assert_eq!(sent(queue.next(at(2))), (0, vec![2, 3, 4]));
    queue.delivered();
    assert_eq!(sent(queue.next(at(2))), (0, vec![5]));
    queue.delivered();
    assert_eq!(queue.next(at(2)), Next::Idle);
    let figures = observe::Queue { delivered: 5, ..observe::Queue::default() };
    assert_eq!(queue.figures(at(2)), figures);
}

#[test]
fn when_it_is_full_the_oldest_goes_that_is_not_in_flight() {
    let mut queue = queue(3, 2);
    for _ in 0..2 {
        queue.offer(at(0), 0);
    }
    assert_eq!(sent(queue.next(at(0))), (0, vec![1, 2]));
    for _ in 0..5 {
        queue.offer(at(0), 0);
    }
    queue.failed(at(0), None);
    assert_eq!(sent(queue.next(at(60_000))), (0, vec![1, 2]));
    queue.delivered();
    assert_eq!(sent(queue.next(at(60_000))), (2, vec![5, 6]));
    queue.offer(at(0), 0);
    queue.delivered();
    assert_eq!(sent(queue.next(at(60_000))), (0, vec![7, 8]));
    assert_eq!(queue.figures(at(0)).dropped, 2);
}

#[test]
fn a_receiver_says_when_to_come_again() {
    let mut queue = queue(1, 1);
    queue.offer(at(0), 0);
    for (seconds, waits) in [(0, 0..=1), (30, 30..=30), (1_000_000, 3600..=3600)] {
        queue.next(at(0));
        queue.failed(at(0), Some(Duration::from_secs(seconds)));
        let Next::Wait(pause) = queue.next(at(0)) else { panic!("no pause") };
        assert!(waits.contains(&pause.as_secs()), "{pause:?}");
        assert_eq!(sent(queue.next(at(0) + pause)), (0, vec![1]));
    }
}

#[test]
fn when_there_is_little_time_it_waits_for_the_receiver_alone() {
    let mut queue = queue(1, 1);
    queue.offer(at(0), 0);
    for _ in 0..9 {
        queue.next(at(0));
        queue.failed(at(0), None);
        queue.hurry();
        assert_eq!(sent(queue.next(at(0))), (0, vec![1]));
    }
    queue.failed(at(0), Some(Duration::from_secs(7)));
    queue.hurry();
    assert_eq!(queue.next(at(0)), Next::Wait(Duration::from_secs(7)));
}

#[test]
fn pauses_grow_until_a_batch_is_delivered() {
    let mut queue = queue(2, 1);
    for _ in 0..2 {
        queue.offer(at(0), 0);
        for failure in 0..7 {
            queue.next(at(0));
            queue.failed(at(0), None);
            let Next::Wait(pause) = queue.next(at(0)) else { panic!("no pause") };
            let longest = (1000_u64 << failure).min(60_000);
            assert!((longest / 2..=longest).contains(&(pause.as_millis() as u64)), "{pause:?}");
            queue.next(at(0) + pause);
        }
        queue.delivered();
    }
}

#[derive(Clone, Debug)]
enum Op {
    Offer,
    Next,
    Delivered,
    Failed(Option<u64>),
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Offer),
        6 => Just(Op::Next),
        2 => Just(Op::Delivered),
        2 => prop::option::of(0_u64..100_000).prop_map(Op::Failed),
        3 => (0_u64..90_000).prop_map(Op::Pass),
    ]
}

proptest! {
    /// What was offered is delivered in order and in its place, or is told to be missing there, or
    /// still waits; a batch is sent again as it was, and not before its time.
    #[test]
    fn nothing_is_lost_without_being_told(
        capacity in 1_usize..8,
        batch in 1_usize..8,
        seed: u64,
        ops in prop::collection::vec(op(), 0..200),
    ) {
        let mut queue = Queue::new(capacity, batch, Backoff::new(seed));
        let (mut now, mut offered, mut expected) = (at(0), 0_u64, 1_u64);
        let mut out: Option<Arc<Batch<u64>>> = None;
        let mut sending = false;
        let mut not_before = now;
        let mut dropped = 0;
        for op in ops {
            match op {
                Op::Offer => {
                    offered += 1;
                    let was_idle = queue.figures(now).waiting == 0;
                    prop_assert_eq!(queue.offer(now, offered), was_idle);
                }
                Op::Pass(millis) => now = now + Duration::from_millis(millis),
                Op::Next => match queue.next(now) {
                    Next::Idle => prop_assert_eq!(queue.figures(now).waiting, 0),
                    Next::Wait(pause) => {
                        prop_assert!(out.is_some() && !sending && !pause.is_zero());
                        prop_assert!(pause <= Duration::from_secs(100));
                        prop_assert!(now < not_before + Duration::from_secs(60));
                    }
                    Next::Send(batch_now) => {
                        prop_assert!(now >= not_before);
                        match &out {
                            Some(out) => prop_assert_eq!(&batch_now, out),
                            None => {
                                dropped += batch_now.dropped;
                                expected += batch_now.dropped;
                                prop_assert!((1..=batch).contains(&batch_now.entries.len()));
                                for entry in &batch_now.entries {
                                    prop_assert_eq!((entry.sequence, entry.item), (expected, expected));
                                    expected += 1;
                                }
                                out = Some(batch_now);
                            }
                        }
                        sending = true;
                    }
                },
                Op::Delivered if sending => {
                    queue.delivered();
                    (out, sending, not_before) = (None, false, now);
                }
                Op::Failed(retry_after) if sending => {
                    let retry_after = retry_after.map(Duration::from_millis);
                    queue.failed(now, retry_after);
                    sending = false;
                    not_before = now + retry_after.unwrap_or_default().max(Duration::from_millis(500));
                }
                Op::Delivered | Op::Failed(_) => {}
            }
            let figures = queue.figures(now);
            prop_assert!(figures.waiting <= capacity + batch);
            prop_assert!(figures.dropped >= dropped);
            let gone = figures.delivered + figures.dropped;
            prop_assert_eq!(gone + figures.waiting as u64, offered);
        }
    }
}
