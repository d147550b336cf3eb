//! Uptime from heartbeats that one relay delivers: who was alive at the end of each slot, and when nobody can tell.

/// How often a member shows that it lives, and how long it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub interval_seconds: u64,
    pub max_age_seconds: u64,
}

impl Rules {
    /// Without any heartbeat for longer than this it is the relay that is silent: one that works delivers the heartbeats of
    /// each interval, and a third of what a member may be late by is left for its own delays.
    pub fn relay_gap_seconds(&self) -> u64 {
        self.interval_seconds + self.max_age_seconds.saturating_sub(self.interval_seconds) / 3
    }
}

/// A period of slots; what happens at the very second in which a slot ends belongs to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub starts_at: u64,
    pub slot_seconds: u64,
    pub slots: u32,
}

impl Frame {
    /// The begin of the period, and then the end of one slot after the other.
    fn instant(&self, number: u32) -> u64 {
        self.starts_at + u64::from(number) * self.slot_seconds
    }
}

/// What the relay delivered last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relay {
    /// Receipt of its newest heartbeat that counted.
    pub received_at: Option<u64>,
    /// When it last came back from a gap; its first heartbeat ever ended one.
    pub resumed_at: Option<u64>,
}

impl Relay {
    fn deliver(&mut self, at: u64, gap: u64) {
        if self.received_at.is_none_or(|last| at.saturating_sub(last) > gap) {
            self.resumed_at = Some(at);
        }
        self.received_at = Some(at);
    }

    /// Silence up to `at` is a member's own: the relay was at work for as long as a member may be silent.
    fn tells(&self, at: u64, rules: &Rules) -> bool {
        let since = |then: u64| at.saturating_sub(then);
        self.received_at
            .is_some_and(|last| since(last) <= rules.relay_gap_seconds())
            && self.resumed_at.is_some_and(|back| since(back) >= rules.max_age_seconds)
    }
}

/// What is known of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Position of whoever runs it.
    pub owner: usize,
    pub enabled: bool,
    /// Receipt of its newest heartbeat that counted, or its registration.
    pub alive_at: u64,
    /// Signed time of that heartbeat; nothing before the first.
    pub signed_at: Option<u64>,
}

impl Member {
    fn alive(&self, at: u64, rules: &Rules) -> bool {
        at.saturating_sub(self.alive_at) <= rules.max_age_seconds
    }
}

/// What a heartbeat was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    Counted,
    /// Signed no later than one that counted before: anybody can send it again, so it proves no life.
    Replayed,
    /// Signed longer before its receipt than it is believed, or after it.
    Stale,
}

/// What was seen of whoever runs members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// With an enabled member at the begin of the period and at the end of each of its slots.
    pub expected: bool,
    /// One for each slot: with a live member at its end. Not known to be down where the slot was not observed.
    pub up: Vec<bool>,
    /// Most members that were alive at the end of one slot.
    pub most_alive: u32,
}

/// Members and their relay through one period. Events come in the order of the chain; each is preceded by [`Watch::pass`].
#[derive(Debug, Clone)]
pub struct Watch {
    rules: Rules,
    frame: Frame,
    relay: Relay,
    members: Vec<Member>,
    seen: Vec<Seen>,
    observed: Vec<bool>,
    /// Instants that were looked at: the begin of the period first, then the end of each slot.
    sampled: u32,
    /// Reused from instant to instant: enabled and live members of each owner.
    counts: Vec<(u32, u32)>,
}

impl Watch {
    pub fn new(rules: Rules, frame: Frame, relay: Relay) -> Self {
        Self {
            rules,
            frame,
            relay,
            members: Vec::new(),
            seen: Vec::new(),
            observed: Vec::new(),
            sampled: 0,
            counts: Vec::new(),
        }
    }

    /// Adds somebody who runs members, and gives the position.
    pub fn add_owner(&mut self) -> usize {
        self.seen.push(Seen {
            expected: self.sampled == 0,
            up: vec![false; self.observed.len()],
            most_alive: 0,
        });
        self.seen.len() - 1
    }

    /// Adds a member of an owner, and gives the position.
    pub fn add_member(&mut self, member: Member) -> usize {
        self.members.push(member);
        self.members.len() - 1
    }

    /// Time has come to that of the next event: looks at every instant up to it.
    pub fn pass(&mut self, now: u64) {
        while self.sampled <= self.frame.slots && self.frame.instant(self.sampled) <= now {
            self.sample(self.frame.instant(self.sampled));
            self.sampled += 1;
        }
    }

    pub fn set_enabled(&mut self, member: usize, enabled: bool) {
        self.members[member].enabled = enabled;
    }

    /// A heartbeat arrives.
    pub fn beat(&mut self, member: usize, signed_at: u64, received_at: u64) -> Beat {
        let Member {
            alive_at,
            signed_at: newest,
            ..
        } = &mut self.members[member];
        if newest.is_some_and(|newest| signed_at <= newest) {
            return Beat::Replayed;
        }
        if signed_at > received_at || received_at - signed_at > self.rules.max_age_seconds {
            return Beat::Stale;
        }
        (*alive_at, *newest) = (received_at, Some(signed_at));
        self.hide_gap(received_at);
        self.relay.deliver(received_at, self.rules.relay_gap_seconds());
        Beat::Counted
    }

    /// Slots that ended after the relay's newest heartbeat are not observed, if the next came too late for that.
    fn hide_gap(&mut self, next: u64) {
        let Some(last) = self.relay.received_at else { return };
        if next.saturating_sub(last) <= self.rules.relay_gap_seconds() {
            return;
        }
        for (observed, number) in self.observed.iter_mut().zip(1..) {
            *observed &= self.frame.instant(number) <= last;
        }
    }

    /// Whether a member has been silent for longer than it is believed, by no fault of the relay.
    pub fn is_silent(&self, member: usize, now: u64) -> bool {
        !self.members[member].alive(now, &self.rules) && self.relay.tells(now, &self.rules)
    }

    pub fn member(&self, member: usize) -> &Member {
        &self.members[member]
    }

    pub fn relay(&self) -> Relay {
        self.relay
    }

    /// The period is over: slots that were observed, and what was seen of each owner. The relay's next heartbeat after it
    /// tells whether the end of the period lay in a gap; `None` when it took longer than [`Rules::relay_gap_seconds`].
    pub fn finish(mut self, next_received_at: Option<u64>) -> (Vec<bool>, Vec<Seen>) {
        self.pass(self.frame.instant(self.frame.slots));
        self.hide_gap(next_received_at.unwrap_or(u64::MAX));
        for seen in &mut self.seen {
            for (up, observed) in seen.up.iter_mut().zip(&self.observed) {
                *up &= observed;
            }
        }
        (self.observed, self.seen)
    }

    fn sample(&mut self, at: u64) {
        self.counts.clear();
        self.counts.resize(self.seen.len(), (0, 0));
        for member in self.members.iter().filter(|member| member.enabled) {
            let (enabled, alive) = &mut self.counts[member.owner];
            *enabled += 1;
            *alive += u32::from(member.alive(at, &self.rules));
        }
        // The begin of the period is the end of no slot of it.
        let ends_slot = self.sampled > 0;
        let observed = self.relay.tells(at, &self.rules);
        for (seen, (enabled, alive)) in self.seen.iter_mut().zip(&self.counts) {
            seen.expected &= *enabled > 0;
            if ends_slot {
                seen.up.push(*alive > 0);
                seen.most_alive = seen.most_alive.max(*alive);
            }
        }
        if ends_slot {
            self.observed.push(observed);
        }
    }
}
