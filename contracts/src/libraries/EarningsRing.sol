// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Earnings that wait out a dispute window in a fixed ring of epoch buckets
/// @notice What is earned in epoch e is free from epoch e + 8 on: seven full epochs after e has ended. Whatever the time
///         since the last call, eight buckets are all there is to look at.
library EarningsRing {
    using SafeCast for uint256;

    uint256 internal constant BUCKETS = 8;

    /// @dev The first three are one slot, so that what is locked is known by one read. 112 bits hold five quadrillion
    ///      tokens of 18 decimals.
    /// @param claimable Free to be claimed.
    /// @param locked Sum of the buckets.
    /// @param epoch Epoch up to which buckets were matured; bucket `e % 8` holds epoch e of `(epoch - 8, epoch]`.
    /// @param buckets Released in each of the last eight epochs.
    struct Ring {
        uint112 claimable;
        uint112 locked;
        uint32 epoch;
        uint128[BUCKETS] buckets;
    }

    /// @notice Moves what has matured by `epoch` to `claimable`.
    /// @return matured What was moved.
    function advance(Ring storage ring, uint256 epoch) internal returns (uint256 matured) {
        uint256 from = ring.epoch;
        if (epoch == from) return 0;
        uint256 steps = Math.min(epoch - from, BUCKETS);
        for (uint256 i = 1; i <= steps; ++i) {
            uint256 slot = (from + i) % BUCKETS;
            uint256 amount = ring.buckets[slot];
            if (amount != 0) {
                matured += amount;
                ring.buckets[slot] = 0;
            }
        }
        ring.epoch = epoch.toUint32();
        if (matured != 0) {
            ring.claimable += matured.toUint112();
            ring.locked -= matured.toUint112();
        }
    }

    /// @notice Locks earnings of the ring's present epoch; callers `advance` first.
    function lock(Ring storage ring, uint128 amount) internal {
        ring.buckets[ring.epoch % BUCKETS] += amount;
        ring.locked += uint256(amount).toUint112();
    }

    /// @notice Takes up to `amount`: claimable first, then the oldest locked. Callers `advance` first.
    function take(Ring storage ring, uint256 amount) internal returns (uint256 fromClaimable, uint256 fromLocked) {
        fromClaimable = Math.min(amount, ring.claimable);
        ring.claimable -= fromClaimable.toUint112();
        uint256 left = amount - fromClaimable;
        for (uint256 i = 1; i <= BUCKETS && left != 0; ++i) {
            uint256 slot = (ring.epoch + i) % BUCKETS;
            uint256 part = Math.min(left, ring.buckets[slot]);
            if (part != 0) {
                ring.buckets[slot] -= part.toUint128();
                fromLocked += part;
                left -= part;
            }
        }
        ring.locked -= fromLocked.toUint112();
    }

    /// @notice What is locked and what is claimable at `epoch`, matured buckets counted as claimable.
    function balances(Ring storage ring, uint256 epoch) internal view returns (uint256 locked, uint256 claimable) {
        uint256 matured = 0;
        uint256 steps = Math.min(epoch - ring.epoch, BUCKETS);
        for (uint256 i = 1; i <= steps; ++i) {
            matured += ring.buckets[(ring.epoch + i) % BUCKETS];
        }
        locked = ring.locked - matured;
        claimable = ring.claimable + matured;
    }
}
