//! Events of `BlockRandomness`.

use plumbline_protocol::BlockRandomness::BlockRandomnessEvents as Events;

use crate::book::Book;
use crate::rows::fact;

pub(super) fn fact(event: &Events, book: &mut Book<'_>) {
    let Book { rows, at, .. } = book;
    match event {
        Events::SeedRecorded(e) => {
            fact! { rows, at, seed_recorded { round: e.round, value: e.value, recorder: e.recorder } }
        }
        Events::BlockRandomnessConfigured(e) => {
            fact! { rows, at, block_randomness_configured { delay: e.delay, record_window: e.window } }
        }
    }
}
