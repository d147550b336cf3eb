// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Pay for uptime: weights, what a period may release, and each operator's share of it
/// @notice Weights are linear in bond and so are the wages that follow from them, so that one operator that splits into
///         several gains nothing. Every rounding leaves more in the reserve.
library RewardMath {
    uint256 private constant BPS = 10_000;
    /// @dev Availability from which on uptime is paid, and the range above it over which pay rises to the whole.
    uint256 private constant FLOOR_BPS = 9500;
    uint256 private constant RANGE_BPS = 490;
    /// @dev Most of the reserve that an hour may release, parts of a million: 0.5 % a day.
    uint256 private constant HOURLY_PPM = 208;
    uint256 private constant PPM = 1_000_000;

    /// @notice Paid part of availability, basis points: `clamp((up / observed - 95 %) / 4.9 %, 0, 1)`, where up to `observed`
    ///         slots were missed. Rounds down; zero when never observed.
    function availability(uint256 observedSlots, uint256 missedSlots) internal pure returns (uint256) {
        if (observedSlots == 0) return 0;
        uint256 upBps = (observedSlots - missedSlots) * BPS / observedSlots;
        if (upBps <= FLOOR_BPS) return 0;
        return Math.min((upBps - FLOOR_BPS) * BPS / RANGE_BPS, BPS);
    }

    /// @notice Collateral that was available: `collateral * availabilityBps / 10,000`, rounded down.
    function weight(uint256 collateral, uint256 availabilityBps) internal pure returns (uint256) {
        return Math.mulDiv(collateral, availabilityBps, BPS);
    }

    /// @notice Wages of `totalWeight` over `duration` seconds at `wage` an hour for each `bond` of it, rounded down.
    function wages(uint256 totalWeight, uint256 wage, uint256 duration, uint256 bond) internal pure returns (uint256) {
        return Math.mulDiv(totalWeight, wage * duration, bond * 1 hours);
    }

    /// @notice Fees that were left to operators and publishers where the protocol took `protocolFees`:
    ///         `protocolFees * (10,000 - feeBps) / feeBps`, rounded up.
    function netFees(uint256 protocolFees, uint256 feeBps) internal pure returns (uint256) {
        return Math.mulDiv(protocolFees, BPS - feeBps, feeBps, Math.Rounding.Ceil);
    }

    /// @notice What is released of `funds` for a need over `duration` seconds: never more than 208 millionths an hour, nor
    ///         than there is. Rounds down, so that the last base unit is never released.
    function release(uint256 need, uint256 funds, uint256 duration) internal pure returns (uint256) {
        return Math.min(need, Math.min(funds, Math.mulDiv(funds, HOURLY_PPM * duration, PPM * 1 hours)));
    }

    /// @notice What the reserve keeps of its income where fees exceed wages by `surplus`: at most `refillBps` of it. Rounds
    ///         up, to the reserve.
    function retained(uint256 income, uint256 surplus, uint256 refillBps) internal pure returns (uint256) {
        return Math.min(income, Math.mulDiv(surplus, refillBps, BPS, Math.Rounding.Ceil));
    }

    /// @notice Share of a release by weight, where a failure domain gets at most `domainBps` of it:
    ///         `released * own / total * min(1, domainBps * total / domainWeight)`, rounded down.
    function share(uint256 released, uint256 ownWeight, uint256 totalWeight, uint256 domainWeight, uint256 domainBps)
        internal
        pure
        returns (uint256)
    {
        return Math.min(
            Math.mulDiv(released, ownWeight, totalWeight),
            Math.mulDiv(released, ownWeight * domainBps, domainWeight * BPS)
        );
    }
}
