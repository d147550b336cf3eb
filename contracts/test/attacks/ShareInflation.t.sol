// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: the first depositor makes shares so dear that a later deposit is rounded away.
contract ShareInflationTest is Base {
    function setUp() public override {
        super.setUp();
        _stake(attacker, FLOOR);
    }

    function _assertVictimIsWhole(uint256 deposit) private {
        uint256 before = vault.pool(attacker).assets;
        uint256 shares = _delegate(alice, attacker, deposit);

        assertGt(shares, 0);
        assertApproxEqAbs(vault.stakeOf(attacker, alice), deposit, 1);
        uint256 ticketId = _thaw(alice, attacker, shares);
        _skip(THAW);
        assertApproxEqAbs(_withdraw(alice, ticketId), deposit, 1);
        assertApproxEqAbs(vault.pool(attacker).assets, before, 1);
    }

    /// @dev Tokens that are sent to the vault belong to nobody.
    function testFuzz_ADonationMovesNoSharePrice(uint256 donation, uint256 deposit) public {
        donation = bound(donation, 1, stakeToken.MAX_MINT());
        stakeToken.mint(address(vault), donation);

        assertEq(vault.stakeOf(attacker, attacker), FLOOR);
        _assertVictimIsWhole(bound(deposit, MIN_DEPOSIT, 1e9 ether));
    }

    /// @dev Leaving a handful of shares behind most of the assets is what rounding allows at worst.
    function testFuzz_AFewSharesLeftBehindMoveNoSharePrice(uint256 leftShares, uint8 rounds, uint256 deposit) public {
        leftShares = bound(leftShares, 1, 1e6);
        rounds = uint8(bound(rounds, 1, 20));
        for (uint256 i = 0; i < rounds; ++i) {
            _thaw(attacker, attacker, _sharesOf(attacker, attacker) - leftShares);
            // Each round leaves at most the part of a base unit that the thaw rounded off.
            assertLe(vault.stakeOf(attacker, attacker), i + 1);
            _stake(attacker, FLOOR + i);
        }

        _assertVictimIsWhole(bound(deposit, MIN_DEPOSIT, 1e9 ether));
    }

    /// @dev In a pool of its own an attacker gains nothing by stakes and thaws, in whatever order.
    function testFuzz_StakesAndThawsMakeNoProfit(uint256[10] memory amounts) public {
        uint256 put = FLOOR;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 held = _sharesOf(attacker, attacker);
            if (i % 2 == 0) {
                _thaw(attacker, attacker, bound(amounts[i], 2e6, held));
            } else {
                uint256 assets = bound(amounts[i], MIN_DEPOSIT, 1e9 ether);
                _stake(attacker, assets);
                put += assets;
            }
        }
        uint256[] memory tickets = new uint256[](amounts.length / 2 + 1);
        for (uint256 i = 0; i < amounts.length / 2; ++i) {
            tickets[i] = i + 1;
        }
        tickets[amounts.length / 2] = _thaw(attacker, attacker, _sharesOf(attacker, attacker));
        _skip(THAW);
        vm.prank(attacker);

        assertEq(vault.withdraw(tickets), put);
    }
}
