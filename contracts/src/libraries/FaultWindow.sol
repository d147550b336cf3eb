// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Stake at fault within a window of eight buckets of time
/// @notice Each operator counts once, in the bucket of its latest fault and with the most it had at stake at a fault in the
///         window: neither many cases against one operator nor its own earlier penalties change how many seem to be at
///         fault. Whatever the number of operators, eight buckets are all there is to look at.
library FaultWindow {
    using SafeCast for uint256;

    uint256 internal constant BUCKETS = 8;

    /// @param number Of the bucket, counted from the beginning of time.
    /// @param stake In stake-token base units; wider than any stake, so that sums fit.
    struct Entry {
        uint64 number;
        uint192 stake;
    }

    /// @param buckets Bucket `n` is at `n % 8`.
    /// @param counted What each operator is counted as, and where.
    struct Window {
        Entry[BUCKETS] buckets;
        mapping(address operator => Entry) counted;
    }

    /// @notice Counts an operator in the present bucket.
    /// @param present Number of the bucket of now; it never falls.
    /// @return counted What it is counted as.
    function count(Window storage window, uint64 present, address operator, uint256 stake)
        internal
        returns (uint256 counted)
    {
        Entry memory before = window.counted[operator];
        counted = stake;
        if (_isWithin(before.number, present)) {
            counted = Math.max(stake, before.stake);
            window.buckets[before.number % BUCKETS].stake -= before.stake;
        }
        Entry memory entry = Entry({number: present, stake: counted.toUint192()});
        window.counted[operator] = entry;
        Entry storage bucket = window.buckets[present % BUCKETS];
        if (bucket.number == present) entry.stake += bucket.stake;
        (bucket.number, bucket.stake) = (present, entry.stake);
    }

    /// @notice Stake of all operators counted in the present bucket and the seven before it.
    function sum(Window storage window, uint64 present) internal view returns (uint256 stake) {
        for (uint256 i = 0; i < BUCKETS; ++i) {
            Entry memory bucket = window.buckets[i];
            if (_isWithin(bucket.number, present)) stake += bucket.stake;
        }
    }

    function _isWithin(uint64 number, uint64 present) private pure returns (bool) {
        return number + BUCKETS > present;
    }
}
