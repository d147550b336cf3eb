// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: a voucher of the largest numbers there are, to overflow or to kill the batch and its lane.
contract OversizedVoucherTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev The largest voucher there is pays what there is and stops nobody else's.
    function test_TheLargestVoucherStopsNobody() public {
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
}
