// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {CoverageMath} from "../../src/libraries/CoverageMath.sol";
import {Test} from "forge-std/Test.sol";

/// @notice What is admitted never exceeds coverage, at the terms that ship. Run by halmos.
contract CoverageMathSymbolic is Test {
    function check_OpenRiskNeverExceedsItsPart(uint24 collateral, uint24 openRisk) external pure {
        unchecked {
            uint256 headroom = CoverageMath.headroom(collateral, openRisk, _terms());
            assert(headroom == 0 || (openRisk + headroom) * 10_000 <= uint256(collateral) * 7900);
        }
    }

    function check_NoBatchGainsMoreThanFraudCosts(uint24 collateral) external pure {
        unchecked {
            uint256 headroom = CoverageMath.headroom(collateral, 0, _terms());
            assert(headroom * 30_000 <= uint256(collateral) * 8444);
        }
    }

    /// @dev `K <= (1 - h)(1 - ρc) stake + (1 - ρc) escrow`, for a stake that is priced one for one.
    function check_CollateralIsRoundedDown(uint32 escrow, uint32 stake) external pure {
        unchecked {
            uint256 collateral = CoverageMath.collateral(escrow, stake, 1e18, _terms());
            assert(collateral * 100_000_000 <= 9000 * (uint256(escrow) * 10_000 + uint256(stake) * 2000));
        }
    }

    function _terms() private pure returns (IBatches.CoverageTerms memory) {
        return IBatches.CoverageTerms({
            betaBps: 30_000, utilisationBps: 7900, haircutBps: 8000, penaltyBps: 8444, correlationBps: 1000
        });
    }
}
