// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeVault} from "../../src/interfaces/IStakeVault.sol";
import {Base} from "../Base.t.sol";

/// @notice Attack: take the stake out between the fault and its punishment.
contract UnbondBeforeSlashTest is Base {
    uint32 private constant DOWN = 2;
    address private operator;
    uint256 private ticketId;
    uint256[] private observed;
    uint256[] private up;

    /// @dev The longest that the slasher accepts beside this vault.
    function _evidenceWindow() internal pure override returns (uint64) {
        return THAW - PERIOD_SECONDS;
    }

    function setUp() public override {
        super.setUp();
        _registerOperators(7);
        operator = operators[DOWN];
        (observed, up) = _downFor(DOWN, SLOTS);
    }

    /// @dev Everything thaws in the second in which the downtime begins.
    function _thawAndGoDown() private {
        _draw(0);
        _warpTo(_periodStart(0));
        ticketId = _thaw(operator, operator, _sharesOf(operator, operator));
        _runPeriod(0, observed, up);
        _runPeriod(1, observed, up);
        _finalize(1);
    }

    function _lastMoment() private pure returns (uint64) {
        return _periodStart(1) + _evidenceWindow() - 1;
    }

    function test_StakeIsStillThereInTheLastMomentOfTheEvidence() public {
        _thawAndGoDown();
        uint64 readyAt = vault.ticket(ticketId).readyAt;
        _warpTo(_lastMoment());
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_TicketNotReady.selector, ticketId, readyAt));
        _withdraw(operator, ticketId);

        slasher.punishDowntime(operator, 1, observed, up);
        slasher.punishDowntime(operator, 0, observed, up);

        assertEq(vault.slashable(operator), OWN_STAKE - OWN_STAKE * 4 / 100);
        _skip(1);
        assertEq(_withdraw(operator, ticketId), OWN_STAKE - OWN_STAKE * 4 / 100);
    }

    /// @dev A ticket that is ready but was not withdrawn is still at stake.
    function testFuzz_AReadyTicketIsNoShelter(uint64 late) public {
        ticketId = _thaw(operator, operator, _sharesOf(operator, operator));
        _skip(THAW + uint64(bound(late, 0, 365 days)));

        assertEq(_slash(operator, OWN_STAKE / 2, 0), OWN_STAKE / 2);

        assertEq(_withdraw(operator, ticketId), OWN_STAKE / 2);
    }

    /// @dev Thawing a little at a time is no better than at once.
    function testFuzz_ManyTicketsPayAsOne(uint256[8] memory parts, uint256 amount) public {
        uint256[] memory tickets = new uint256[](parts.length);
        uint256 left = OWN_STAKE;
        for (uint256 i = 0; i < parts.length; ++i) {
            uint256 part = bound(parts[i], 1, left - (parts.length - 1 - i));
            left -= part;
            tickets[i] = _thaw(operator, operator, part * 1e6);
        }
        amount = bound(amount, 0, OWN_STAKE - 1 ether);
        _slash(operator, amount, 0);
        uint256 rest = _sharesOf(operator, operator);
        uint256 staked = vault.stakeOf(operator, operator);
        _skip(THAW);

        vm.prank(operator);
        uint256 withdrawn = vault.withdraw(tickets);

        assertLe(withdrawn + staked, OWN_STAKE - amount);
        assertApproxEqAbs(withdrawn + staked, OWN_STAKE - amount, 2);
        assertEq(rest == 0, left == 0);
    }
}
