// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: fill a list of thaws until slashes and withdrawals cost more gas than a block has.
contract ThawListDosTest is Base {
    uint256 private constant TICKETS = 500;
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
        _delegate(alice, operator, 10 ether);
        _delegate(attacker, operator, 10 ether);
    }

    /// @dev Gas of a thaw, of a slash and of a withdrawal.
    function _measure() private returns (uint256 thawGas, uint256 slashGas, uint256 withdrawGas) {
        uint256 before = gasleft();
        uint256 ticketId = _thaw(alice, operator, 1 ether * 1e6);
        thawGas = before - gasleft();
        before = gasleft();
        _slash(operator, 1 ether, 0);
        slashGas = before - gasleft();
        _skip(THAW);
        before = gasleft();
        _withdraw(alice, ticketId);
        withdrawGas = before - gasleft();
    }

    function test_SomebodyElsesTicketsCostNothing() public {
        _measure();
        (uint256 thawGas, uint256 slashGas, uint256 withdrawGas) = _measure();
        for (uint256 i = 0; i < TICKETS; ++i) {
            _thaw(attacker, operator, 1e12);
        }

        (uint256 thawAfter, uint256 slashAfter, uint256 withdrawAfter) = _measure();

        // A thaw pool that is not empty is one warm or cold word of difference, not five hundred.
        assertApproxEqAbs(thawAfter, thawGas, 25_000);
        assertApproxEqAbs(slashAfter, slashGas, 25_000);
        assertApproxEqAbs(withdrawAfter, withdrawGas, 25_000);
    }
}
