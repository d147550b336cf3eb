//! Events of `VerifierRegistry`.

use plumbline_protocol::VerifierRegistry::VerifierRegistryEvents as Events;

use crate::book::Page;
use crate::rows::fact;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::VerifierBound(e) => {
            fact! { rows, at, verifier_bound {
                publisher: e.publisher, model_id: e.modelId, version: e.version, verifier: e.verifier,
            } }
        }
    }
}
