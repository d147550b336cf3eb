// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: let a voucher be used up by a channel that can pay only a part of it.
contract UnderpaidVoucherTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev A voucher that was paid in part is not used up: the rest is paid when there is money again.
    function test_AVoucherPaidInPartIsPaidInTheEnd() public {
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
}
