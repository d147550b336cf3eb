// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../interfaces/IBatches.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title How much risk collateral covers
/// @notice Cheating pays when it gains more than it is expected to cost. A batch of value `g` is audited with probability
///         `p >= β g / (D K)`, and fraud costs `D K`; of batches worth `x D K` together one is caught with probability
///         `1 - Π(1 - p) >= 1 - e^(-β x)`. No choice of open batches is therefore worth cheating on while `1 - e^(-β x) >= x`,
///         which `deters` checks for all that open risk may come to: `x = X / D`. Every rounding is against the operator.
library CoverageMath {
    uint256 internal constant BPS = 10_000;

    /// @dev Fee-token base units per stake-token base unit, times this.
    uint256 internal constant PRICE_SCALE = 1e18;

    /// @dev Of the exponential series; what is left out makes it stricter.
    uint256 private constant TERMS = 64;
    uint256 private constant SERIES_SCALE = 1e30;
    /// @dev More than this deters no less, and would outgrow a word.
    uint256 private constant MAX_BETA_BPS = 100_000;

    /// @notice `K = (1 - ρc) (escrow + stake · price · (1 - h))`: three divisions, each rounded down.
    /// @param escrow Earnings that a fault can still take, fee-token base units, below 2^129.
    /// @param stake Stake that counts, stake-token base units, at most 2^128 - 1.
    /// @param price Fee-token base units for 1e18 stake-token base units; counts as 2^128 - 1 where it is more.
    function collateral(uint256 escrow, uint256 stake, uint256 price, IBatches.CoverageTerms memory terms)
        internal
        pure
        returns (uint256)
    {
        uint256 value = stake * Math.min(price, type(uint128).max) / PRICE_SCALE;
        uint256 discounted = value * (BPS - terms.haircutBps) / BPS;
        return (escrow + discounted) * (BPS - terms.correlationBps) / BPS;
    }

    /// @notice Risk that one more batch may have: `(openRisk + g) 1e4 <= X K` and `β g <= D K`, both at most.
    /// @param collateral_ `K`, at most 2^240.
    /// @param openRisk Risk of open batches, at most 2^128 - 1. More than `X K`, after a loss, leaves no headroom.
    /// @return At most `2^128 - 1 - openRisk`, so that open risk always fits its slot.
    function headroom(uint256 collateral_, uint256 openRisk, IBatches.CoverageTerms memory terms)
        internal
        pure
        returns (uint256)
    {
        uint256 together = Math.min(collateral_ * terms.utilisationBps / BPS, type(uint128).max);
        uint256 alone = collateral_ * terms.penaltyBps / terms.betaBps;
        return Math.min(Math.saturatingSub(together, openRisk), alone);
    }

    /// @notice True when no choice of batches that these terms admit is worth cheating on.
    /// @dev `1 - e^(-βx) >= x` is `e^(βx) (D - X) >= D` with `x = X / D`; the series is cut off and rounded down, so that
    ///      it errs on the strict side. What holds for the largest `x` holds for all below it: the curve is concave.
    function deters(IBatches.CoverageTerms memory terms) internal pure returns (bool) {
        uint256 penalty = terms.penaltyBps;
        uint256 beta = Math.min(terms.betaBps, MAX_BETA_BPS);
        if (terms.utilisationBps == 0 || terms.utilisationBps >= penalty) return false;
        uint256 term = SERIES_SCALE;
        uint256 sum = term;
        for (uint256 k = 1; k <= TERMS; ++k) {
            term = term * beta * terms.utilisationBps / (penalty * BPS * k);
            sum += term;
        }
        return sum * (penalty - terms.utilisationBps) >= SERIES_SCALE * penalty;
    }
}
