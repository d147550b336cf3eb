// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {RewardMath} from "../../src/libraries/RewardMath.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Nobody weighs more for splitting, no domain gets more than its limit, and no release empties the reserve. Run by halmos, with `math/Math.sol` for
///         divisions.
/// @dev Unchecked, because the compiler's overflow checks are divisions; amounts are too narrow to overflow. What is at most
///      a quotient rounded down is stated in products, which is the same for whole numbers and what solvers decide.
contract RewardMathSymbolic is Test {
    function check_TwoPartsNeverWeighMoreThanTheWhole(uint48 a, uint48 b, uint16 availabilityBps) external pure {
        unchecked {
            vm.assume(availabilityBps <= 10_000);
            uint256 weight = RewardMath.weight(a, availabilityBps) + RewardMath.weight(b, availabilityBps);
            assert(weight * 10_000 <= uint256(a) * availabilityBps + uint256(b) * availabilityBps);
        }
    }

    function check_ADomainGetsItsLimit(uint32 released, uint32 domainWeight, uint32 total) external pure {
        unchecked {
            vm.assume(domainWeight != 0 && domainWeight <= total);
            uint256 paid = RewardMath.share(released, domainWeight, total, domainWeight, 1500);
            assert(paid * 10_000 <= uint256(released) * 1500);
            assert(paid * total <= uint256(released) * domainWeight);
        }
    }

    function check_NoReleaseEmptiesTheReserve(uint128 need, uint64 funds, uint32 duration) external pure {
        unchecked {
            vm.assume(funds != 0 && duration <= 30 days);
            uint256 released = RewardMath.release(need, funds, duration);
            assert(released < funds);
            assert(released <= need);
            assert(released * 1_000_000 * 1 hours <= uint256(funds) * 208 * duration);
        }
    }
}
