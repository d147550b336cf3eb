// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title How stress raises the probability of audits, and how slowly it falls again
library StressController {
    uint256 internal constant BPS = 10_000;
    uint256 internal constant MAX_MULTIPLIER = 50_000;
    uint256 private constant GAIN = 4;
    uint256 private constant DECAY = 24;

    /// @notice What was measured, each in basis points.
    /// @param utilisation Open risk over what coverage admits, weighted by risk.
    /// @param priceFall Fall of the stake's spot price below its average.
    /// @param exitQueue Thawing stake over all stake.
    /// @param missed Operator-slots missed over those observed.
    /// @param backlog Open cases over what auditors are expected to keep up with.
    /// @param lostDisputes Cases that operators lost over cases decided and batches drawn.
    struct Signs {
        uint256 utilisation;
        uint256 priceFall;
        uint256 exitQueue;
        uint256 missed;
        uint256 backlog;
        uint256 lostDisputes;
    }

    /// @notice The worst of the signs, each scaled to 10,000 where it is as bad as can be: utilisation over half (doubled),
    ///         price fall times 2, exit queue times 5, missed slots times 3, backlog times 2, lost disputes times 20.
    function stress(Signs memory signs) internal pure returns (uint256 worst) {
        worst = Math.saturatingMul(Math.saturatingSub(signs.utilisation, BPS / 2), 2);
        worst = Math.max(worst, Math.saturatingMul(signs.priceFall, 2));
        worst = Math.max(worst, Math.saturatingMul(signs.exitQueue, 5));
        worst = Math.max(worst, Math.saturatingMul(signs.missed, 3));
        worst = Math.max(worst, Math.saturatingMul(signs.backlog, 2));
        worst = Math.max(worst, Math.saturatingMul(signs.lostDisputes, 20));
        worst = Math.min(worst, BPS);
    }

    /// @notice `m' = max(1e4 + 4 s, m - ceil((m - 1e4) / 24))`: up at once, down by a 24th of the way a step, and all the way
    ///         because a step is rounded up. Between 10,000 and 50,000 when `m` is and `s <= 10,000`.
    function next(uint256 multiplier, uint256 stress_) internal pure returns (uint256) {
        uint256 decayed = multiplier - Math.ceilDiv(multiplier - BPS, DECAY);
        return Math.min(MAX_MULTIPLIER, Math.max(BPS + GAIN * stress_, decayed));
    }
}
