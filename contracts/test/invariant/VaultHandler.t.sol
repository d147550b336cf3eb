// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StakeVault} from "../../src/StakeVault.sol";
import {TestToken} from "../../src/TestToken.sol";
import {IStakeVault} from "../../src/interfaces/IStakeVault.sol";
import {Base} from "../Base.t.sol";
import {VaultStore} from "./VaultStore.sol";

/// @notice The vault under random use: operators, delegators, the slasher, fee payers and time. What one call must and must
///         not do is checked here; what must hold between calls is checked by the test, against the store.
contract VaultHandler is Base {
    uint256 public constant POOLS = 2;
    uint256 public constant ACCOUNTS = 4;
    uint256 private constant MAX_DEPOSIT = 1e6 ether;
    uint256 private constant MAX_FEES = 1e6 ether;
    uint256 private constant VIRTUAL_SHARES = 1e6;

    VaultStore public immutable STORE = new VaultStore();
    bool private immutable ONE_TOKEN;
    address[] private _accounts;

    constructor(bool oneToken) {
        ONE_TOKEN = oneToken;
    }

    function _createFeeToken(TestToken stakeToken_) internal override returns (TestToken) {
        return ONE_TOKEN ? stakeToken_ : super._createFeeToken(stakeToken_);
    }

    /// @dev Operators first, so that pools exist from the beginning.
    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            _accounts.push(makeAddr(string.concat("account ", vm.toString(i))));
        }
        for (uint256 i = 0; i < POOLS; ++i) {
            _stake(_accounts[i], OWN_STAKE);
            STORE.recordDeposit(_accounts[i], OWN_STAKE);
        }
    }

    function system() external view returns (StakeVault, TestToken, TestToken) {
        return (vault, stakeToken, feeToken);
    }

    /// @notice What waits for the two accounts that slashes are credited to.
    function credits() external view returns (uint256) {
        return vault.credited(sink) + vault.credited(reporter);
    }

    /// @notice The first `POOLS` of them have pools of their own.
    function accounts() external view returns (address[] memory) {
        return _accounts;
    }

    function _account(uint256 seed) private view returns (address) {
        return _accounts[seed % ACCOUNTS];
    }

    function _poolOwner(uint256 seed) private view returns (address) {
        return _accounts[seed % POOLS];
    }

    // Actions. None may revert: what cannot be done is not tried, or its revert is expected.

    function stake(uint256 operatorSeed, uint256 assets) external {
        address operator = _poolOwner(operatorSeed);
        assets = _bound(assets, MIN_DEPOSIT, MAX_DEPOSIT);
        IStakeVault.Pool memory before = vault.pool(operator);
        _stake(operator, assets);
        _recordDeposit(before, operator, operator, assets);
    }

    function delegate(uint256 delegatorSeed, uint256 operatorSeed, uint256 assets) external {
        (address delegator, address operator) = (_account(delegatorSeed), _poolOwner(operatorSeed));
        if (!vault.isBonded(operator)) return;
        assets = _bound(assets, MIN_DEPOSIT, MAX_DEPOSIT);
        IStakeVault.Pool memory before = vault.pool(operator);
        _delegate(delegator, operator, assets);
        _recordDeposit(before, operator, delegator, assets);
    }

    /// @dev Often all shares, or all but one: the extremes of rounding.
    function thaw(uint256 delegatorSeed, uint256 operatorSeed, uint256 shares) external {
        (address delegator, address operator) = (_account(delegatorSeed), _poolOwner(operatorSeed));
        IStakeVault.Pool memory before = vault.pool(operator);
        uint256 held = _sharesOf(operator, delegator);
        if (vault.stakeOf(operator, delegator) < 2) return;
        uint256 least = (before.shares + before.assets - 1) / before.assets;
        if (shares % 4 == 0) shares = held;
        else if (shares % 4 == 1) shares = held - 1;
        else shares = _bound(shares, least, held);
        uint256 ticketId = _thaw(delegator, operator, shares);
        STORE.recordThaw(operator, ticketId);

        IStakeVault.Pool memory later = vault.pool(operator);
        assertEq(vault.ticket(ticketId).readyAt, _now() + THAW, "every thaw takes the whole time");
        assertEq(later.assets + later.thawAssets, before.assets + before.thawAssets, "a thaw moves stake, no more");
        _assertNoPriceFell(before, later);
    }

    /// @dev A ticket that is not ready must not be paid.
    function withdraw(uint256 ticketSeed) external {
        uint256[] memory tickets = STORE.tickets();
        if (tickets.length == 0) return;
        uint256 position = ticketSeed % tickets.length;
        IStakeVault.Ticket memory ticket = vault.ticket(tickets[position]);
        if (_now() < ticket.readyAt) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IStakeVault.StakeVault_TicketNotReady.selector, tickets[position], ticket.readyAt
                )
            );
            _withdraw(ticket.owner, tickets[position]);
            return;
        }
        IStakeVault.Pool memory before = vault.pool(ticket.operator);
        uint256 assets = _withdraw(ticket.owner, tickets[position]);
        STORE.recordWithdrawal(ticket.owner, position, assets);
        _assertNoPriceFell(before, vault.pool(ticket.operator));
    }

    /// @dev Small slashes mostly, then nearly all, all, and more than there is.
    function slash(uint256 operatorSeed, uint256 amount, uint256 cutBps, uint256 kind) external {
        address operator = _poolOwner(operatorSeed);
        uint256 before = vault.slashable(operator);
        kind %= 16;
        if (kind == 0) amount = _bound(amount, before, type(uint256).max);
        else if (kind == 1) amount = before - before / 1e6;
        else if (kind == 2) amount = _bound(amount, 0, before);
        else amount = _bound(amount, 0, before / 10);
        uint32 generation = vault.pool(operator).generation;
        uint256 actual = _slash(operator, amount, cutBps % 2001);
        uint256 taken = before - vault.slashable(operator);
        STORE.recordSlash(taken);

        assertEq(actual, amount < before ? amount : before, "a slash takes what was asked, or all");
        if (vault.pool(operator).generation == generation) assertEq(taken, actual, "and nothing else");
        else assertLe((before - actual) * 1e6, before, "but for the dust of a pool that is wiped out");
    }

    function distribute(uint256 operatorSeed, uint256 amount) external {
        address operator = _poolOwner(operatorSeed);
        if (vault.pool(operator).shares == 0) return;
        amount = _bound(amount, 0, MAX_FEES);
        _distribute(operator, amount);
        STORE.recordDistribution(amount);
    }

    function claimRewards(uint256 delegatorSeed, uint256 operatorSeed) external {
        (address delegator, address operator) = (_account(delegatorSeed), _poolOwner(operatorSeed));
        uint256 due = vault.position(operator, delegator).rewards;
        if (due == 0) return;
        vm.prank(delegator);
        uint256 amount = vault.claimRewards(operator);
        STORE.recordClaim(amount);
        assertEq(amount, due, "a claim pays what the position says");
    }

    function collectSlashed(bool ofSink) external {
        address receiver = ofSink ? sink : reporter;
        if (vault.credited(receiver) == 0) return;
        STORE.recordCollection(vault.collectSlashed(receiver));
    }

    /// @dev Tokens sent without a call belong to nobody.
    function donate(uint256 stakeAmount, uint256 feeAmount) external {
        stakeAmount = _bound(stakeAmount, 0, MAX_DEPOSIT);
        feeAmount = _bound(feeAmount, 0, MAX_FEES);
        stakeToken.mint(address(vault), stakeAmount);
        feeToken.mint(address(vault), feeAmount);
        STORE.recordDonations(stakeAmount, feeAmount);
    }

    function wait(uint256 duration) external {
        _skip(uint64(_bound(duration, 1 hours, THAW)));
    }

    /// @notice Everybody leaves: thaws what it holds, waits, withdraws and claims.
    function leave() external {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            for (uint256 j = 0; j < POOLS; ++j) {
                (address delegator, address operator) = (_account(i), _poolOwner(j));
                if (vault.stakeOf(operator, delegator) == 0) continue;
                STORE.recordThaw(operator, _thaw(delegator, operator, _sharesOf(operator, delegator)));
            }
        }
        _skip(THAW);
        for (uint256[] memory tickets = STORE.tickets(); tickets.length != 0; tickets = STORE.tickets()) {
            address owner = vault.ticket(tickets[0]).owner;
            STORE.recordWithdrawal(owner, 0, _withdraw(owner, tickets[0]));
        }
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            for (uint256 j = 0; j < POOLS; ++j) {
                this.claimRewards(i, j);
            }
        }
        this.collectSlashed(true);
        this.collectSlashed(false);
    }

    function _recordDeposit(IStakeVault.Pool memory before, address operator, address delegator, uint256 assets)
        private
    {
        STORE.recordDeposit(delegator, assets);
        IStakeVault.Pool memory later = vault.pool(operator);
        assertEq(later.assets, before.assets + assets, "a deposit is counted whole");
        // What roundings left beyond the first share price is all that a newcomer can get a part of.
        uint256 worth = before.shares * later.assets / later.shares;
        assertGe(worth + STORE.thaws(operator) + 1, before.assets, "a deposit takes nothing from who was there");
        if (before.shares >= VIRTUAL_SHARES * before.assets) _assertNoPriceFell(before, later);
    }

    /// @dev Only a slash lowers what a share, active or thawing, is worth.
    function _assertNoPriceFell(IStakeVault.Pool memory before, IStakeVault.Pool memory later) private pure {
        if (later.shares != 0) {
            assertGe(later.assets * before.shares, before.assets * later.shares, "no share lost value");
        }
        if (later.thawShares != 0) {
            assertGe(later.thawAssets * before.thawShares, before.thawAssets * later.thawShares, "no ticket lost value");
        }
    }
}
