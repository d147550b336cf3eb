//! Uptime from heartbeats: what counts as a sign of life, and whom silence is held against.

use plumbline_drift::heartbeats::{Beat, Frame, Member, Relay, Rules, Seen, Watch};

const INTERVAL: u64 = 900;
const RULES: Rules = Rules {
    interval_seconds: INTERVAL,
    max_age_seconds: 1_800,
};
/// The period begins long after the first heartbeats, so that the relay is known to work.
const START: u64 = 90_000;
const SLOTS: u32 = 8;
const FRAME: Frame = Frame {
    starts_at: START,
    slot_seconds: INTERVAL,
    slots: SLOTS,
};
const WORKING: Relay = Relay {
    received_at: Some(START - 10),
    resumed_at: Some(1),
};

/// Owners with one member each, alive just before the period.
fn watch(owners: usize) -> Watch {
    let mut watch = Watch::new(RULES, FRAME, WORKING);
    for _ in 0..owners {
        let owner = watch.add_owner();
        watch.add_member(Member {
            owner,
            enabled: true,
            alive_at: START - 10,
            signed_at: Some(START - 20),
        });
    }
    watch
}

/// Signed ten seconds before its receipt.
fn beat(watch: &mut Watch, member: usize, at: u64) -> Beat {
    watch.pass(at);
    watch.beat(member, at - 10, at)
}

/// Every slot has a heartbeat of each member that answers in it; times are offset from member to member.
fn run(watch: &mut Watch, members: usize, answers: impl Fn(u32, usize) -> bool) {
    for slot in 0..SLOTS {
        for member in (0..members).filter(|member| answers(slot, *member)) {
            beat(
                watch,
                member,
                START + u64::from(slot) * INTERVAL + 60 + 7 * member as u64,
            );
        }
    }
}

fn up(seen: &Seen) -> String {
    digits(&seen.up)
}

fn digits(bits: &[bool]) -> String {
    bits.iter().map(|bit| if *bit { '1' } else { '0' }).collect()
}

/// The relay is at work beyond the end of the period.
const GOES_ON: Option<u64> = Some(START + SLOTS as u64 * INTERVAL + 60);

#[test]
fn who_beats_in_time_is_up_in_every_slot() {
    let mut watch = watch(3);
    run(&mut watch, 3, |_, _| true);
    let (observed, seen) = watch.finish(GOES_ON);
    assert_eq!(digits(&observed), "11111111");
    assert!(
        seen.iter()
            .all(|seen| seen.expected && up(seen) == "11111111" && seen.most_alive == 1)
    );
}

#[test]
fn silence_is_a_miss_from_the_slot_in_which_the_last_heartbeat_is_too_old() {
    let mut watch = watch(3);
    run(&mut watch, 3, |slot, member| member != 1 || !(2..5).contains(&slot));
    let (observed, seen) = watch.finish(GOES_ON);
    assert_eq!(digits(&observed), "11111111");
    // The heartbeat of slot 1 is believed until slot 3 has begun.
    assert_eq!(up(&seen[1]), "11100111");
    assert_eq!(up(&seen[0]), "11111111");
}

#[test]
fn a_heartbeat_that_is_sent_again_proves_no_life() {
    let mut watch = watch(2);
    let first = START + 60;
    assert_eq!(beat(&mut watch, 0, first), Beat::Counted);
    assert_eq!(beat(&mut watch, 1, first + 1), Beat::Counted);
    for slot in 1..SLOTS {
        let at = START + u64::from(slot) * INTERVAL + 60;
        watch.pass(at);
        assert_eq!(watch.beat(0, first - 10, at), Beat::Replayed, "slot {slot}");
        assert_eq!(watch.beat(0, first - 11, at), Beat::Replayed, "older than the newest");
        assert_eq!(watch.beat(1, at - 10, at), Beat::Counted);
    }
    let (_, seen) = watch.finish(GOES_ON);
    assert_eq!(up(&seen[0]), "11000000");
    assert_eq!(up(&seen[1]), "11111111");
}

#[test]
fn a_heartbeat_signed_too_long_ago_or_in_the_future_does_not_count() {
    let mut watch = watch(1);
    let now = START + 100;
    watch.pass(now);
    assert_eq!(watch.beat(0, now + 1, now), Beat::Stale);
    assert_eq!(watch.beat(0, now, now), Beat::Counted);
    let later = now + 5_000;
    watch.pass(later);
    assert_eq!(watch.beat(0, later - 1_801, later), Beat::Stale);
    assert_eq!(watch.beat(0, later - 1_800, later), Beat::Counted);
}

#[test]
fn when_all_are_silent_together_it_is_the_relay_and_nobody_is_blamed() {
    let mut watch = watch(3);
    run(&mut watch, 3, |slot, _| !(2..5).contains(&slot));
    let (observed, seen) = watch.finish(GOES_ON);
    // From the last heartbeat before the gap until the window after it holds nothing of it.
    assert_eq!(digits(&observed), "10000001");
    assert!(seen.iter().all(|seen| seen.expected && up(seen) == "10000001"));
}

#[test]
fn whose_heartbeat_was_due_first_is_not_blamed_for_a_gap_of_the_relay() {
    let mut watch = Watch::new(RULES, FRAME, WORKING);
    for early in [880, 10] {
        let owner = watch.add_owner();
        watch.add_member(Member {
            owner,
            enabled: true,
            alive_at: START - early,
            signed_at: None,
        });
    }
    // The relay dies right after the second one's heartbeat, and the first one's age runs out first.
    let (observed, seen) = watch.finish(None);
    assert_eq!(digits(&observed), "00000000");
    assert!(seen.iter().all(|seen| up(seen) == "00000000"));
}

#[test]
fn the_end_of_a_period_is_not_observed_when_the_next_heartbeat_shows_that_it_lay_in_a_gap() {
    for (next, expected) in [(GOES_ON, "11111111"), (None, "11111110")] {
        let mut watch = watch(2);
        run(&mut watch, 2, |_, _| true);
        assert_eq!(digits(&watch.finish(next).0), expected);
    }
}

#[test]
fn nothing_is_known_before_the_relay_delivered_anything() {
    let mut watch = Watch::new(RULES, FRAME, Relay::default());
    let owner = watch.add_owner();
    watch.add_member(Member {
        owner,
        enabled: true,
        alive_at: START - 50_000,
        signed_at: None,
    });
    run(&mut watch, 1, |slot, _| slot >= 2);
    let (observed, seen) = watch.finish(GOES_ON);
    assert_eq!(digits(&observed), "00001111");
    assert_eq!(up(&seen[0]), digits(&observed));
}

#[test]
fn a_registration_is_a_sign_of_life_and_is_expected_from_the_next_period_on() {
    let mut watch = watch(2);
    let at = START + 3 * INTERVAL + 30;
    run(&mut watch, 2, |slot, _| slot < 3);
    watch.pass(at);
    let owner = watch.add_owner();
    let member = watch.add_member(Member {
        owner,
        enabled: true,
        alive_at: at,
        signed_at: None,
    });
    assert!(!watch.is_silent(member, at + 1_800));
    let (_, seen) = watch.finish(GOES_ON);
    assert!(!seen[owner].expected && seen[owner].up.len() == SLOTS as usize);
    assert!(seen[0].expected);
}

#[test]
fn who_has_no_enabled_member_at_an_instant_is_not_expected() {
    let mut watch = watch(2);
    run(&mut watch, 2, |slot, _| slot < 4);
    watch.set_enabled(0, false);
    // Replaced within the slot: the owner was in service whenever somebody looked.
    watch.set_enabled(1, false);
    watch.add_member(Member {
        owner: 1,
        enabled: true,
        alive_at: START + 4 * INTERVAL - 5,
        signed_at: None,
    });
    let (_, seen) = watch.finish(GOES_ON);
    assert!(!seen[0].expected);
    assert!(seen[1].expected);
}

#[test]
fn a_member_of_many_keeps_its_owner_up() {
    let mut watch = watch(1);
    watch.add_member(Member {
        owner: 0,
        enabled: true,
        alive_at: START - 10,
        signed_at: None,
    });
    run(&mut watch, 2, |slot, member| (slot < 4) == (member == 0));
    let (_, seen) = watch.finish(GOES_ON);
    assert_eq!(up(&seen[0]), "11111111");
    assert_eq!(seen[0].most_alive, 2);
}

#[test]
fn the_silence_of_one_is_told_from_that_of_the_relay() {
    let mut watch = watch(2);
    run(&mut watch, 2, |slot, member| member == 1 && slot < 4);
    let last = START + 3 * INTERVAL + 67;
    assert!(watch.is_silent(0, last + 60));
    assert!(!watch.is_silent(1, last + 60));
    assert!(
        !watch.is_silent(0, last + RULES.relay_gap_seconds() + 1),
        "the relay is silent as well"
    );
}
