//! What the keys do and what the columns mean.

use ratatui::text::Line;

use super::Paint;

const TEXT: &[&str] = &[
    "  ↑ ↓ PgUp PgDn Home End   move      Enter   open the marked operator",
    "  s  next order     r  reverse it    /       filter; Esc clears it",
    "  o  operators      l  slashes       f  flows       a  alerts",
    "  Esc  back         ?  this page     q  quit",
    "",
    "  UP, 95 %  % of observed slots of the window that were up, and the interval",
    "  PERIODS   uptime of the newest periods, oldest left; · not observed",
    "  CUSUM     evidence of drift / threshold, of the detector nearest to an alarm:",
    "            o outages begin more often, d outages last longer",
    "  DRIFT     warming (too little was seen yet), watched, ALARM!",
    "  DOWN      how long ago the newest outage began; ! it goes on",
    "  TREND     uptime of the newest 6 periods less that of the 6 before, points",
    "  Δ         ln of effective operators by capacity over those by work done:",
    "            what outages (reliability) and choice (routing) make of it",
    "  Nakamoto  the fewest operators that hold more than a third",
    "  reliable  operators that are up nearly always, of those with capacity",
    "  liveness  the fewest operators without whom the rest is too little",
    "",
    "  any key goes back",
];

pub(super) fn lines() -> Vec<Line<'static>> {
    let heading = Line::styled("Keys and columns", Paint::heading());
    std::iter::once(heading)
        .chain(TEXT.iter().map(|text| Line::raw(*text)))
        .collect()
}
