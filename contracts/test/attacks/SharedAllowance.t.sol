// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

/// @notice Attack: one operator spends what a payer set aside for another, or left approved.
contract SharedAllowanceTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev What a payer set aside for one operator is out of reach of every other, and so is its token allowance.
    function test_AnotherOperatorReachesNeitherChannelNorAllowance() public {
        address otherOperator = _registerOperator("other operator");
        // The other operator has a good voucher but no money of the payer.
        IInferenceSettlement.Voucher memory voucher = _voucher(payer.addr, otherOperator, 40 ether, 40);
        _expectSkip(voucher, IInferenceSettlement.SkipReason.Underfunded, 40 ether);
        _settle(voucher, _signVoucher(voucher, payer));
        assertEq(_channel().settled, 0);

        // Nor can it settle the voucher of another, nor put it into a batch of its own.
        IInferenceSettlement.Voucher memory foreign = _owed(40 ether, 40);
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) =
            _batch(foreign, _signVoucher(foreign, payer));
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_NotSettler.selector, otherOperator, operator
            )
        );
        vm.prank(otherOperator);
        settlement.settle(vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, 0, EVIDENCE_URI);

        // An allowance that the payer left open funds no channel but by the payer's own call.
        _fund(feeToken, payer.addr, address(settlement), 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(settlement), 0, 10 ether)
        );
        vm.prank(otherOperator);
        settlement.deposit(payer.addr, otherOperator, 10 ether);
        assertEq(feeToken.balanceOf(payer.addr), 10 ether);
    }
}
