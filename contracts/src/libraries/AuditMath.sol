// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Probability of an audit, and what a seed decides
/// @notice Probabilities are fractions of 1e18. All rounding is up: an audit may be a little likelier than it must be, never
///         less likely.
library AuditMath {
    uint256 internal constant WAD = 1e18;
    uint256 private constant BPS = 10_000;
    bytes32 private constant LEAF = "leaf";

    /// @param multiplierBps `m`: 10,000 in calm times, up to 50,000 under stress.
    /// @param floor `pMin`, a fraction of 1e18.
    /// @param gainBps `β`: how many times its value a wrong batch may gain.
    /// @param penaltyBps `D`: part of the collateral that fraud costs.
    /// @param risk `g`: value at risk of the batch, fee-token base units.
    /// @param collateral `K`: what covers the operator now, fee-token base units.
    struct Odds {
        uint256 multiplierBps;
        uint256 floor;
        uint256 gainBps;
        uint256 penaltyBps;
        uint256 risk;
        uint256 collateral;
    }

    /// @notice `min(1, m * max(pMin, β g / (D K)))`, rounded up at each step; certain when nothing is there to lose.
    /// @dev Source: cheating on a batch gains `β g` and costs `D K` when it is drawn, so `p >= β g / (D K)` leaves no gain.
    function probability(Odds memory odds) internal pure returns (uint256) {
        uint256 stakes = Math.saturatingMul(odds.penaltyBps, odds.collateral);
        uint256 gain = Math.saturatingMul(odds.gainBps, odds.risk);
        // Also keeps the product below within a word.
        if (gain >= stakes) return WAD;
        uint256 needed = Math.max(odds.floor, Math.mulDiv(gain, WAD, stakes, Math.Rounding.Ceil));
        if (needed >= WAD) return WAD;
        return Math.min(WAD, Math.mulDiv(needed, odds.multiplierBps, BPS, Math.Rounding.Ceil));
    }

    /// @notice The probability to draw with where one party can bias the seed by one bit, so that it escapes when either of
    ///         two seeds would let it: `√p`, rounded up.
    function biased(uint256 p) internal pure returns (uint256) {
        return Math.min(WAD, Math.sqrt(p * WAD, Math.Rounding.Ceil));
    }

    /// @notice True with probability `p`: the low 128 bits of `keccak256(abi.encode(seed, batchId))` are below
    ///         `p * 2^128`, rounded up.
    function isDrawn(bytes32 seed, uint256 batchId, uint256 p) internal pure returns (bool) {
        // The low half of the hash is what is meant.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint256 ticket = uint128(uint256(keccak256(abi.encode(seed, batchId))));
        return ticket < Math.ceilDiv(p << 128, WAD);
    }

    /// @notice The way from the root to the leaf that is audited: `keccak256(abi.encode(seed, batchId, bytes32("leaf")))`.
    function leafPath(bytes32 seed, uint256 batchId) internal pure returns (bytes32) {
        return keccak256(abi.encode(seed, batchId, LEAF));
    }
}
