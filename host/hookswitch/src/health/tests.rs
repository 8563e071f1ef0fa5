use super::*;

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn a_dead_crm_is_asked_by_one_at_a_time_and_ever_more_seldom() {
    let (mut breaker, mut random) = (Breaker::new(Clock::World), fastrand::Rng::with_seed(1));
    for _ in 0..FAILURES {
        assert!(matches!(breaker.admit(at(0.0)), Ok(false)));
        breaker.note(Sign::Unwell, at(0.0), &mut random);
    }
    // An hour of a dead CRM, looked at every 10 ms.
    let mut probes = 0;
    for step in 0..360_000 {
        let now = at(f64::from(step) / 100.0);
        if breaker.admit(now).is_ok_and(|probe| probe) {
            assert!(breaker.admit(now).is_err(), "two at once");
            probes += 1;
            breaker.note(Sign::Unwell, now, &mut random);
        }
    }
    assert!((55..80).contains(&probes), "{probes}");
    let mut now = at(3600.0);
    while breaker.admit(now).is_err() {
        now += at(0.1);
    }
    assert!(now < at(3600.0) + LONGEST * 2);
    assert!(breaker.note(Sign::Well, now, &mut random));
    assert!(matches!(breaker.admit(now), Ok(false)));
}

#[test]
fn refused_credentials_stop_everything_at_once_and_a_success_starts_it_again() {
    let (mut breaker, mut random) = (Breaker::new(Clock::World), fastrand::Rng::with_seed(1));
    assert!(breaker.note(Sign::Unauthorised, at(0.0), &mut random));
    assert!(breaker.admit(at(1.0)).is_err());
    // Others that were under way say the same: told once, and the pause is not made longer.
    assert!(!breaker.note(Sign::Unauthorised, at(1.0), &mut random));
    assert!(matches!(breaker.admit(at(8.0)), Ok(true)));
    assert!(!breaker.note(Sign::Unauthorised, at(8.0), &mut random));
    assert!(breaker.admit(at(9.0)).is_err());
    assert!(matches!(breaker.admit(at(30.0)), Ok(true)));
    assert!(breaker.note(Sign::Well, at(30.0), &mut random));
    assert!(matches!(breaker.admit(at(30.0)), Ok(false)));
}

#[test]
fn a_pause_of_a_story_is_a_moment_and_ends_in_another_try_as_ever() {
    let story = Clock::Story(Arc::default());
    let (mut breaker, mut random) = (Breaker::new(story), fastrand::Rng::with_seed(1));
    breaker.note(Sign::Unauthorised, at(0.0), &mut random);
    assert!(breaker.admit(at(0.0)).is_err());
    assert!(matches!(breaker.admit(at(0.02)), Ok(true)));
    // One at a time, here too; who asks meanwhile waits no longer either.
    assert!(breaker.admit(at(0.02)).is_err_and(|(_, until)| until <= at(0.04)));
    breaker.note(Sign::Unauthorised, at(0.02), &mut random);
    assert!(breaker.admit(at(0.02)).is_err());
    assert!(matches!(breaker.admit(at(0.04)), Ok(true)));
}

#[test]
fn somebody_is_needed_when_credentials_are_refused_again_and_not_before() {
    let health = Health::new("crm".into(), Clock::Story(Arc::default()));
    let refused = || health.note(Err(&CallError::Failure(Failure::Unauthorised("no".into()))));
    let try_again = || loop {
        if let Ok(leave) = health.admit() {
            break leave;
        }
    };
    refused();
    assert!(!health.needs_somebody(), "it may have been a slip");
    let leave = try_again();
    refused();
    assert!(health.needs_somebody());
    drop(leave);
    let _leave = try_again();
    health.note(Ok(()));
    assert!(!health.needs_somebody());
    health.set_signed_out(true);
    assert!(health.needs_somebody());
}

#[test]
fn single_failures_between_successes_do_no_harm() {
    let (mut breaker, mut random) = (Breaker::new(Clock::World), fastrand::Rng::with_seed(1));
    for _ in 0..100 {
        for sign in [Sign::Unwell, Sign::Unwell, Sign::Nothing, Sign::Well] {
            assert!(!breaker.note(sign, at(0.0), &mut random));
        }
    }
    assert!(matches!(breaker.admit(at(0.0)), Ok(false)));
}

#[test]
fn who_does_not_ask_after_all_lets_another_try() {
    let health = Health::new("crm".into(), Clock::World);
    health.note(Err(&CallError::Failure(Failure::Unauthorised("no".into()))));
    assert!(health.admit().is_err());
    if let State::Open { until, .. } = &mut health.lock().state {
        *until = Duration::ZERO;
    }
    let leave = health.admit().unwrap();
    assert!(health.admit().is_err());
    drop(leave);
    assert!(health.admit().is_ok());
}
