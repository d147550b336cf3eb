// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../src/TestToken.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {FixedPrice} from "./FixedPrice.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

/// @notice Admission by coverage in `settle`, and `coverage`.
contract InferenceSettlementCoverageTest is SettlementBase {
    /// @dev At a price of one: 0.9 * 0.2 of own stake, of which one batch may have 8444 / 30000 and all together 79 %.
    uint256 private constant COLLATERAL = 360 ether;
    uint128 private constant ALONE = 101.328 ether;
    uint128 private constant TOGETHER = 284.4 ether;

    function setUp() public virtual override {
        super.setUp();
        _setPrice(1 ether, true);
        _deposit(payer.addr, operator, 1000 ether);
    }

    function test_StakeCovers() public view {
        _assertCoverage(COLLATERAL, 0, ALONE);
    }

    function test_OpenBatchesTakeHeadroomAndTheirEarningsAddToIt() public {
        uint256 batchId = _settleOne(_owed(100 ether, 1000));
        uint256 collateral = COLLATERAL + 92 ether * 9 / 10;
        _assertCoverage(collateral, 100 ether, collateral * 8444 / 30_000);

        // Released earnings cover for as long as they are locked.
        _release(batchId);
        _assertCoverage(collateral, 0, collateral * 8444 / 30_000);
        _skip(8 * EPOCH);
        _assertCoverage(COLLATERAL, 0, ALONE);
    }

    /// @dev What can be claimed in the next block covers nothing in this one, claimed or not.
    function test_ClaimableEarningsDoNotCover() public {
        _settleOne(_owed(100 ether, 1000));
        _mature();
        _assertCoverage(COLLATERAL, 0, ALONE);
        _settleOne(_owed(300 ether, 3000));
        assertEq(_channel().settled, 100 ether + ALONE);
    }

    function test_AVoucherIsPaidAsFarAsItIsCovered() public {
        IInferenceSettlement.Voucher memory voucher = _owed(200 ether, 2000);
        uint64 units = uint64(uint256(2000) * ALONE / 200 ether);
        _expectPaid(voucher, units, ALONE);
        _expectSkip(voucher, IInferenceSettlement.SkipReason.Uncovered, 200 ether - ALONE);
        uint256 batchId = _settleOne(voucher);
        assertEq(_lane().fee, ALONE);
        assertEq(_lane().units, units);
        assertEq(batchOf[batchId].risk, ALONE);

        // The same voucher pays the rest.
        _settleOne(voucher);
        assertEq(_lane().fee, 200 ether);
        assertEq(_lane().units, 2000);
        assertEq(settlement.coverage(operator).openRisk, 200 ether);
    }

    function test_WhatIsNotCoveredIsSkippedAndOthersArePaid() public {
        _deposit(secondPayer.addr, operator, 50 ether);
        IInferenceSettlement.Voucher memory second = _voucher(secondPayer.addr, operator, 50 ether, 500);
        _add(_owed(ALONE - 1 ether, 1000));
        _add(second, _signVoucher(second, secondPayer));
        _add(_owed(ALONE, 2000));
        _expectSkip(second, IInferenceSettlement.SkipReason.Uncovered, 49 ether);
        _expectSkip(_owed(ALONE, 2000), IInferenceSettlement.SkipReason.Uncovered, 1 ether);
        _settleBatch();
        assertEq(settlement.channel(secondPayer.addr, operator).settled, 1 ether);
        assertEq(_channel().settled, ALONE - 1 ether);
    }

    /// @dev The reason is what bound: money where both are short of what is due, but money more so.
    function test_AnEmptyChannelIsUnderfundedRatherThanUncovered() public {
        _deposit(secondPayer.addr, operator, 1 ether);
        IInferenceSettlement.Voucher memory second = _voucher(secondPayer.addr, operator, 500 ether, 500);
        _add(second, _signVoucher(second, secondPayer));
        _expectSkip(second, IInferenceSettlement.SkipReason.Underfunded, 499 ether);
        _settleBatch();
    }

    function test_TogetherBatchesStayWithinCoverage() public {
        for (uint64 i = 1; i <= 10; ++i) {
            IBatches.Coverage memory before = settlement.coverage(operator);
            _settleOne(_owed(i * 90 ether, i * 900));
            IBatches.Coverage memory later = settlement.coverage(operator);
            assertEq(later.openRisk - before.openRisk, before.headroom < 90 ether ? before.headroom : 90 ether);
            assertLe(later.openRisk, before.collateral * 79 / 100);
        }
        assertGt(_channel().settled, TOGETHER);
        assertLt(_channel().settled, 900 ether);
    }

    function test_DeclaredRiskTakesTheWholeOfIt() public {
        _add(_owed(10 ether, 1000));
        uint256 batchId = _settleBatch(50 ether);
        assertEq(batchOf[batchId].risk, 50 ether);
        assertEq(batchOf[batchId].earned, 9.2 ether);
        assertEq(settlement.coverage(operator).openRisk, 50 ether);
        // Fees that are more than was declared are the risk.
        _add(_owed(70 ether, 7000));
        assertEq(batchOf[_settleBatch(50 ether)].risk, 60 ether);
        _releaseAll();
        assertEq(settlement.coverage(operator).openRisk, 0);
    }

    function test_RevertWhen_DeclaredRiskIsNotCovered() public {
        _add(_owed(1 ether, 1));
        _expectUncovered(ALONE + 1, ALONE);
        _settleBatch(ALONE + 1);
        _add(_owed(1 ether, 1));
        _settleBatch(ALONE);
        assertEq(settlement.coverage(operator).openRisk, ALONE);
    }

    function test_AStalePriceAdmitsNothing() public {
        _setPrice(1 ether, false);
        _assertCoverage(COLLATERAL, 0, 0);
        _expectSkip(_owed(1 ether, 1), IInferenceSettlement.SkipReason.Uncovered, 1 ether);
        _settleOne(_owed(1 ether, 1));
        assertEq(_channel().settled, 0);
        _add(_owed(1 ether, 1));
        _expectUncovered(1, 0);
        _settleBatch(1);
    }

    /// @dev When what covers open batches is lost, no more are admitted, and those that are open stay as they are.
    function test_AfterALossNothingIsAdmitted() public {
        uint256 batchId = _settleOne(_owed(100 ether, 1000));
        _slash(operator, OWN_STAKE, 0);
        assertEq(settlement.coverage(operator).headroom, 0);
        assertEq(settlement.coverage(operator).openRisk, 100 ether);
        // Own stake is gone: what is left is what the batch earned.
        assertEq(settlement.coverage(operator).collateral, 92 ether * 9 / 10);
        _expectSkip(_owed(101 ether, 1001), IInferenceSettlement.SkipReason.Uncovered, 1 ether);
        _settleOne(_owed(101 ether, 1001));
        _release(batchId);
        assertEq(settlement.coverage(operator).openRisk, 0);
    }

    function test_DelegatorsCover() public {
        _delegate(alice, operator, OWN_STAKE);
        _assertCoverage(2 * COLLATERAL, 0, 2 * uint256(ALONE));
        _thaw(alice, operator, _sharesOf(operator, alice));
        _assertCoverage(COLLATERAL, 0, ALONE);
    }

    function testFuzz_NoBatchIsAdmittedBeyondCoverage(uint256 price, uint128 fee, uint128 declaredRisk) public {
        _setPrice(bound(price, 0, 100 ether), true);
        fee = uint128(bound(fee, 1, 1000 ether));
        IBatches.Coverage memory before = settlement.coverage(operator);
        declaredRisk = uint128(bound(declaredRisk, 0, before.headroom));
        _add(_owed(fee, 1));
        uint256 batchId = _settleBatch(declaredRisk);
        uint256 paid = fee < before.headroom ? fee : before.headroom;
        assertEq(_channel().settled, paid);
        uint256 risk = paid < declaredRisk ? declaredRisk : paid;
        assertEq(batchOf[batchId].risk, risk);
        assertLe(risk * 30_000, before.collateral * 8444);
        assertLe(risk * 10_000, before.collateral * 7900);
    }

    function _setPrice(uint256 price, bool fresh) internal virtual {
        FixedPrice(address(priceOracle)).set(price, fresh);
    }

    function _expectUncovered(uint256 declaredRisk, uint256 headroom) private {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_Uncovered.selector, declaredRisk, headroom)
        );
    }

    function _assertCoverage(uint256 collateral, uint256 openRisk, uint256 headroom) private view {
        IBatches.Coverage memory coverage = settlement.coverage(operator);
        assertEq(coverage.collateral, collateral, "collateral");
        assertEq(coverage.openRisk, openRisk, "open risk");
        assertEq(coverage.headroom, headroom, "headroom");
    }
}

/// @notice Stake in the fee token is worth what it is.
contract InferenceSettlementCoverageOneTokenTest is SettlementBase {
    function _createFeeToken(TestToken stakeToken_) internal pure override returns (TestToken) {
        return stakeToken_;
    }

    function test_OneTokenNeedsNoPrice() public {
        assertEq(address(settlement.PRICE_ORACLE()), address(0));
        _deposit(payer.addr, operator, 200 ether);
        _settleOne(_owed(200 ether, 1));
        assertEq(settlement.coverage(operator).openRisk, 101.328 ether);
        assertEq(settlement.coverage(operator).collateral, 360 ether + _escrowed(operator) * 9 / 10);
    }
}
