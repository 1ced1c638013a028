//! What is measured.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::crowd::{Crowd, frame, name};

/// Who talks to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scenario {
    /// One talks to everybody; so many messages are on their way at a time.
    Broadcast {
        /// Messages whose last recipient has not heard them yet.
        on_the_way: usize,
    },
    /// Everybody talks to a neighbour; so many messages of each are on their way at a time.
    Unicast {
        /// Messages of each sender that have not been heard yet.
        on_the_way: usize,
    },
}

impl Scenario {
    /// Plays it for some time. Returns how many messages were heard.
    pub(crate) fn play(self, crowd: &mut Crowd, users: usize, time: Duration) -> usize {
        match self {
            Self::Broadcast { on_the_way } => broadcast(crowd, users, on_the_way, time),
            Self::Unicast { on_the_way } => unicast(crowd, users, on_the_way, time),
        }
    }
}

/// Bytes of a message's text.
const SIZE: usize = 64;

fn broadcast(crowd: &mut Crowd, users: usize, on_the_way: usize, time: Duration) -> usize {
    let message = frame(&format!("all:{}", "x".repeat(SIZE)));
    let end = Instant::now() + time;
    // How many have heard each of the messages that are on their way, the oldest first.
    let mut heard_by: VecDeque<usize> = VecDeque::new();
    let mut arrived = 0;
    let mut heard = vec![0; users];
    loop {
        while heard_by.len() < on_the_way && Instant::now() < end {
            crowd.say(0, &message);
            heard_by.push_back(0);
        }
        if heard_by.is_empty() {
            return arrived * users;
        }
        for &(user, messages) in crowd.hear() {
            for _ in 0..messages {
                heard_by[heard[user] - arrived] += 1;
                heard[user] += 1;
            }
        }
        while heard_by.front() == Some(&users) {
            heard_by.pop_front();
            arrived += 1;
        }
    }
}

fn unicast(crowd: &mut Crowd, users: usize, on_the_way: usize, time: Duration) -> usize {
    let neighbour = |user: usize| (user + 1) % users;
    let to = |user| frame(&format!("{}:{}", name(user), "x".repeat(SIZE)));
    let messages: Vec<_> = (0..users).map(|user| to(neighbour(user))).collect();
    let end = Instant::now() + time;
    for (user, message) in messages.iter().enumerate() {
        for _ in 0..on_the_way {
            crowd.say(user, message);
        }
    }
    let mut left = users * on_the_way;
    let mut total = 0;
    while left > 0 {
        let goes_on = Instant::now() < end;
        for (user, heard) in crowd.hear().to_vec() {
            total += heard;
            let sender = (user + users - 1) % users;
            if goes_on {
                for _ in 0..heard {
                    crowd.say(sender, &messages[sender]);
                }
            } else {
                left -= heard;
            }
        }
    }
    total
}
