// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {FixedPrice} from "../FixedPrice.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: settle more than one's collateral covers, cheat on all of it, and lose less than was gained.
contract AdmissionBeyondCoverageTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        FixedPrice(address(priceOracle)).set(1 ether, true);
        _deposit(payer.addr, operator, 1_000_000 ether);
    }

    /// @dev An accomplice pays the operator as fast as it can. What comes back as earnings raises coverage by less than the
    ///      risk it closed with, so it ends, however many batches it is cut into.
    function testFuzz_PayingOneselfDoesNotPumpCoverage(uint256 slices) public {
        slices = bound(slices, 1, 60);
        uint128 owed = 0;
        for (uint256 i = 1; i <= slices; ++i) {
            owed += uint128(bound(uint256(keccak256(abi.encode(slices, i))), 1, 200 ether));
            _settleOne(_owed(owed, 1));
            _assertCovered();
        }
    }

    /// @dev A batch cannot count what it earns itself.
    function test_ABatchDoesNotCoverItself() public {
        uint256 headroom = settlement.coverage(operator).headroom;
        for (uint256 i = 1; i <= 100; ++i) {
            // Below 2^128.
            // forge-lint: disable-next-line(unsafe-typecast)
            _add(_owed(uint128(i * 10 ether), uint64(i)));
        }
        _settleBatch();
        assertEq(_channel().settled, headroom);
        _assertCovered();
    }

    /// @dev Stake that is on its way out covers nothing from the moment it starts to leave.
    function test_ThawingStakeIsNoCover() public {
        _thaw(operator, operator, _sharesOf(operator, operator));
        _expectSkip(_owed(1 ether, 1), IInferenceSettlement.SkipReason.Uncovered, 1 ether);
        _settleOne(_owed(1 ether, 1));
    }

    /// @dev A little of one's own and much of others' does not make a large operator, and nothing of one's own none at all.
    function test_OthersStakeAloneIsNoCover() public {
        _delegate(alice, operator, 1000 * OWN_STAKE);
        assertEq(settlement.coverage(operator).collateral, 21 * 360 ether);
        _thaw(operator, operator, _sharesOf(operator, operator));
        assertEq(settlement.coverage(operator).collateral, 0);
        _expectSkip(_owed(1 ether, 1), IInferenceSettlement.SkipReason.Uncovered, 1 ether);
        _settleOne(_owed(1 ether, 1));
    }

    /// @dev Earnings that are paid out the next moment are not there to be seized.
    function test_ClaimableEarningsAreNoCover() public {
        _settleOne(_owed(100 ether, 100));
        _mature();
        vm.roll(_blockNumber() + 1);
        IBatches.Coverage memory before = settlement.coverage(operator);
        assertEq(settlement.earnings(operator).claimable, 92 ether);
        settlement.claim(operator);
        assertEq(abi.encode(settlement.coverage(operator)), abi.encode(before));
    }

    /// @dev The declared risk is the caller's word: it can be more than the fees, but not less, and not more than is
    ///      covered.
    function test_DeclaringNothingHidesNothing() public {
        _add(_owed(100 ether, 100));
        assertEq(batchOf[_settleBatch(1)].risk, 100 ether);
    }

    function _assertCovered() private view {
        IBatches.Coverage memory coverage = settlement.coverage(operator);
        assertLe(coverage.openRisk * 10_000, coverage.collateral * 7900);
    }
}
