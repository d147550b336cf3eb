// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ShareMath} from "../../src/libraries/ShareMath.sol";
import {Test} from "forge-std/Test.sol";

/// @notice A slash is split to the base unit. Run by halmos, with `math/Math.sol` for divisions.
/// @dev Unchecked, because the compiler's overflow checks are divisions; amounts are too narrow to overflow.
contract ShareMathSymbolic is Test {
    function check_ASlashIsSplitToTheBaseUnit(uint64 amount, uint64 active, uint64 thawing) external pure {
        unchecked {
            vm.assume(amount <= uint256(active) + thawing);
            (uint256 fromActive, uint256 fromThawing) = ShareMath.splitSlash(amount, active, thawing);
            assert(fromActive + fromThawing == amount);
            assert(fromActive <= active && fromThawing <= thawing);
        }
    }
}
