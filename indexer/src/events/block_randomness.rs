//! Events of `BlockRandomness`.

use plumbline_protocol::BlockRandomness::BlockRandomnessEvents as Events;

use crate::book::Page;
use crate::rows::fact;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::SeedRecorded(e) => {
            fact! { rows, at, seed_recorded { round: e.round, value: e.value, recorder: e.recorder } }
        }
        Events::BlockRandomnessConfigured(e) => {
            fact! { rows, at, block_randomness_configured { delay: e.delay, record_window: e.window } }
        }
    }
}
