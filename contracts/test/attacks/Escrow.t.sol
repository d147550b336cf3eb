// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

/// @notice Attempts on money that waits in the settlement.
contract EscrowAttacks is SettlementBase {
    address private _otherOperator;

    function setUp() public override {
        super.setUp();
        _otherOperator = _registerOperator("other operator");
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev Nothing that anyone may call takes a destination or a share; what does is the slasher's alone and capped.
    function test_EscrowDrainedThroughACallerChosenCutOrDestination() public {
        _settleOne(_owed(50 ether, 50));
        vm.prank(address(slasher));
        settlement.seize(operator, 10 ether, 2000, reporter);
        _mature();

        vm.startPrank(attacker);
        settlement.claim(operator);
        settlement.claimRoyalties(modelId);
        settlement.collect(reserve);
        settlement.collect(reporter);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        settlement.seize(operator, 1 ether, 10_000, attacker);
        vm.stopPrank();
        assertEq(feeToken.balanceOf(attacker), 0);
        assertEq(feeToken.balanceOf(publisher), 1.5 ether);
        assertEq(feeToken.balanceOf(reporter), 2 ether);
        assertEq(feeToken.balanceOf(reserve), 10.5 ether);
        assertEq(feeToken.balanceOf(operator) + feeToken.balanceOf(address(vault)), 36 ether);

        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_CutTooHigh.selector, 10_000, 2000)
        );
        vm.prank(address(slasher));
        settlement.seize(operator, 1 ether, 10_000, attacker);
    }

    /// @dev What a payer set aside for one operator is out of reach of every other, and so is its token allowance.
    function test_AllowanceSharedBetweenOperators() public {
        // The other operator has a good voucher but no money of the payer.
        IInferenceSettlement.Voucher memory voucher = _voucher(payer.addr, _otherOperator, 40 ether, 40);
        _expectSkip(voucher, IInferenceSettlement.SkipReason.Underfunded, 40 ether);
        _settle(voucher, _signVoucher(voucher, payer));
        assertEq(_channel().settled, 0);

        // Nor can it settle the voucher of another, nor put it into a batch of its own.
        IInferenceSettlement.Voucher memory foreign = _owed(40 ether, 40);
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) =
            _batch(foreign, _signVoucher(foreign, payer));
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_NotSettler.selector, _otherOperator, operator
            )
        );
        vm.prank(_otherOperator);
        settlement.settle(vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, EVIDENCE_URI);

        // An allowance that the payer left open funds no channel but by the payer's own call.
        _fund(feeToken, payer.addr, address(settlement), 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(settlement), 0, 10 ether)
        );
        vm.prank(_otherOperator);
        settlement.deposit(payer.addr, _otherOperator, 10 ether);
        assertEq(feeToken.balanceOf(payer.addr), 10 ether);
    }

    /// @dev An exit cannot outrun a voucher: the operator has the whole delay, whatever the payer does in between.
    function test_WithdrawRacingAnUnclaimedVoucher() public {
        vm.startPrank(payer.addr);
        settlement.startExit(operator);
        uint64 exitAt = _channel().exitAt;
        _skip(EXIT_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector, exitAt));
        settlement.finishExit(operator);
        // Starting over starts the delay over.
        settlement.cancelExit(operator);
        settlement.startExit(operator);
        _skip(1);
        vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_ExitNotReady.selector);
        settlement.finishExit(operator);
        vm.stopPrank();

        _settleOne(_owed(100 ether, 100));
        _skip(EXIT_DELAY);
        vm.prank(payer.addr);
        assertEq(settlement.finishExit(operator), 0);
        assertEq(_channel().settled, 100 ether);
    }

    /// @dev A voucher that was paid in part is not used up: the rest is paid when there is money again.
    function test_ConsumedButUnderpaidVoucher() public {
        IInferenceSettlement.Voucher memory voucher = _owed(160 ether, 160);
        _settleOne(voucher);
        assertEq(_lane().fee, 100 ether);
        for (uint256 i = 1; i <= 6; ++i) {
            _deposit(payer.addr, operator, 10 ether);
            _settleOne(voucher);
            assertEq(_lane().fee, 100 ether + i * 10 ether);
        }
        assertEq(_lane().units, 160);
        _deposit(payer.addr, operator, 10 ether);
        _settleOne(voucher);
        assertEq(_channel().settled, 160 ether);
    }

    /// @dev The largest voucher there is pays what there is and stops nobody else's.
    function test_OversizedVoucherAsDenialOfService() public {
        _deposit(secondPayer.addr, operator, 10 ether);
        IInferenceSettlement.Voucher memory oversized = _owed(type(uint128).max, type(uint64).max);
        IInferenceSettlement.Voucher memory honest = _voucher(secondPayer.addr, operator, 10 ether, 10);
        _add(oversized);
        _add(honest, _signVoucher(honest, secondPayer));
        _settleBatch();
        assertEq(_channel().settled, 100 ether);
        assertEq(settlement.channel(secondPayer.addr, operator).settled, 10 ether);

        // The lane goes on: what it paid for counts by the money, not by the number on the voucher.
        _deposit(payer.addr, operator, 10 ether);
        _settleOne(_owed(105 ether, 105));
        assertEq(_lane().fee, 105 ether);
        _settleOne(oversized);
        assertEq(_channel().settled, 110 ether);
    }

    /// @dev A commission raised just before a claim binds too late for it.
    function test_CommissionSandwich() public {
        _settleOne(_owed(100 ether, 100));
        _mature();
        vm.prank(operator);
        operatorRegistry.announceCommission(10_000);
        settlement.claim(operator);
        assertEq(feeToken.balanceOf(operator), 92 ether * uint256(COMMISSION_BPS) / 10_000);
    }
}
