//! The simulator itself: it repeats itself, finds what it has to find, and takes all the paths.

use std::{fs, process::Command};

use switchboard_sim::{Plan, draw, reached::Reached, run, shrink};

/// Plays the plan of a seed.
fn play(seed: u64) -> switchboard_sim::Report {
    run(&draw(seed)).unwrap_or_else(|why| panic!("seed {seed}: {}", why.0))
}

#[test]
fn worlds_hold_and_all_paths_are_taken() {
    let mut reached = Reached::default();
    for seed in 0.. {
        reached.add(&play(seed).reached);
        let missing = reached.missing();
        if seed >= 300 && missing.is_empty() {
            return;
        }
        assert!(seed < 6000, "never taken: {missing:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in 1000..1040 {
        let (one, other) = (play(seed), play(seed));
        assert_eq!((one.digest, one.inputs), (other.digest, other.inputs), "seed {seed}");
    }
    assert_ne!(play(1000).digest, play(1001).digest);
}

#[test]
fn a_plan_is_read_back_as_it_was_written() {
    for seed in 0..40 {
        let plan = draw(seed);
        let again = Plan::from_text(&plan.to_text()).expect("a plan");
        assert_eq!(again.to_text(), plan.to_text());
        assert_eq!(run(&again).expect("it holds").digest, play(seed).digest);
    }
}

#[test]
fn a_file_that_is_no_plan_says_where() {
    let text = draw(3).to_text();
    let second = text.lines().nth(1).expect("a step");
    for (broken, why) in [
        (String::new(), "an empty file"),
        (text.replacen("\"version\":1", "\"version\":9", 1), "version 9, where 1 is known"),
        (text.replacen(second, "{}", 1), "line 2: missing field `at` at line 1 column 2"),
        (
            text.replacen(second, r#"{"at":1,"what":{"Connect":999}}"#, 1),
            "line 2: there is no such client",
        ),
    ] {
        let error = Plan::from_text(&broken).expect_err("it is broken");
        assert_eq!(error.to_string(), why);
    }
}

#[test]
fn a_bug_is_found_and_shrunk_and_fails_again() {
    let failing = (0..).map(|seed| {
        let mut plan = draw(seed);
        plan.canary = true;
        plan
    });
    let plan = failing.into_iter().find(|plan| run(plan).is_err()).expect("it is found");
    assert!(plan.seed < 100, "it takes long to find: {}", plan.seed);
    let short = shrink(&plan);
    assert!(short.steps() <= 6, "{}", short.to_text());
    let why = run(&short).expect_err("it fails");
    let again = Plan::from_text(&short.to_text()).expect("a plan");
    assert_eq!(run(&again).expect_err("it fails again"), why);
}

#[test]
fn the_command_writes_what_fails_and_plays_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = || Command::new(env!("CARGO_BIN_EXE_switchboard-sim"));
    let found = sim().arg("--canary").arg("--out").arg(folder.path()).output().expect("it runs");
    let text = String::from_utf8(found.stdout).expect("UTF-8");
    assert_eq!(found.status.code(), Some(1), "{text}");
    let file = fs::read_dir(folder.path()).expect("a folder").next().expect("a file");
    let file = file.expect("a file").path();
    assert!(text.contains(&format!("again: --replay {}", file.display())), "{text}");

    let again = sim().arg("--replay").arg(&file).output().expect("it runs");
    let text = String::from_utf8(again.stdout).expect("UTF-8");
    assert_eq!(again.status.code(), Some(1), "{text}");
    assert!(text.starts_with("it fails:\n"), "{text}");

    let held = sim().args(["--seeds", "20", "--jobs", "2"]).output().expect("it runs");
    let text = String::from_utf8(held.stdout).expect("UTF-8");
    assert_eq!(held.status.code(), Some(0), "{text}");
    assert!(text.contains("20 worlds, "), "{text}");

    fs::write(&file, "nothing").expect("a file");
    let none = sim().arg("--replay").arg(&file).output().expect("it runs");
    assert_eq!(none.status.code(), Some(2));
}
