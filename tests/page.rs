//! The page at `/`, in headless Chromium; `tests/all` installs what is missing.

use std::{path::PathBuf, process::Command};

/// Plays a scene of `page/scenes.mjs` on each runtime, with servers that it starts.
fn scene(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node")
        .arg(folder.join("page/main.mjs"))
        .args([env!("CARGO_BIN_EXE_server"), name])
        .env("NODE_PATH", folder.join("../target/strangers/node_modules"))
        .output()
        .expect("node; tests/all installs what is missing");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn people_write_to_each_other_and_see_who_is_online() {
    scene("talk");
}

#[test]
fn pushes_from_other_systems_arrive() {
    scene("push");
}

#[test]
fn of_a_crowd_some_are_listed_and_more_on_demand() {
    scene("crowd");
}

#[test]
fn there_is_a_server_without_it() {
    scene("absent");
}

#[test]
fn why_a_login_is_refused_is_said() {
    scene("refused");
}

#[test]
fn a_name_that_is_taken_over_is_taken_back_by_hand_only() {
    scene("takeover");
}

#[test]
fn who_was_kicked_comes_back_by_hand_only() {
    scene("kicked");
}

#[test]
fn a_server_that_restarts_is_connected_to_again() {
    scene("restart");
}

#[test]
fn attempts_are_spread_over_ever_longer_times() {
    scene("backoff");
}

#[test]
fn names_and_messages_are_nothing_but_text() {
    scene("hostile");
}

#[test]
fn a_keyboard_is_enough() {
    scene("keyboard");
}

#[test]
fn without_an_api_key_there_is_the_talk_only() {
    scene("apiKey");
}

#[test]
fn a_token_is_asked_for_where_one_is_needed() {
    scene("token");
}

#[test]
fn a_phone_is_wide_enough() {
    scene("phone");
}
