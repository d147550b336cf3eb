// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StakeVault} from "../../src/StakeVault.sol";
import {TestToken} from "../../src/TestToken.sol";
import {IStakeVault} from "../../src/interfaces/IStakeVault.sol";
import {VaultHandler} from "./VaultHandler.t.sol";
import {VaultStore} from "./VaultStore.sol";
import {Test} from "forge-std/Test.sol";

/// @notice What must hold of the vault whatever anybody does in whatever order.
contract StakeVaultInvariantTest is Test {
    /// @dev Each of at most some hundred calls in a run moves at most as many base units by rounding.
    uint256 private constant ROUNDING = 20_000;

    /// @param shares Of each pool, by its holdings.
    /// @param thawShares Of each pool, by its tickets.
    /// @param reachable What each account got back and could get back, over all pools.
    /// @param rewards What all positions together are owed.
    struct Picture {
        IStakeVault.Pool[] pools;
        uint256[] shares;
        uint256[] thawShares;
        uint256[] reachable;
        uint256 rewards;
    }

    VaultHandler private handler;
    VaultStore private store;
    StakeVault private vault;
    TestToken private stakeToken;
    TestToken private feeToken;
    address[] private accounts;
    /// @dev The accounts that have pools.
    address[] private operators;

    function _oneToken() internal pure virtual returns (bool) {
        return false;
    }

    function setUp() public {
        handler = new VaultHandler(_oneToken());
        handler.setUp();
        store = handler.STORE();
        (vault, stakeToken, feeToken) = handler.system();
        accounts = handler.accounts();
        for (uint256 i = 0; i < handler.POOLS(); ++i) {
            operators.push(accounts[i]);
        }
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = handler.stake.selector;
        selectors[1] = handler.delegate.selector;
        selectors[2] = handler.thaw.selector;
        selectors[3] = handler.withdraw.selector;
        selectors[4] = handler.slash.selector;
        selectors[5] = handler.distribute.selector;
        selectors[6] = handler.claimRewards.selector;
        selectors[7] = handler.collectSlashed.selector;
        selectors[8] = handler.donate.selector;
        selectors[9] = handler.wait.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        targetContract(address(handler));
    }

    /// @dev One function, because each would replay the same runs.
    function invariant_TheVaultKeepsItsPromises() public view {
        Picture memory picture = _look();
        _assertSolvent(picture);
        for (uint256 i = 0; i < operators.length; ++i) {
            _assertPoolAddsUp(picture.pools[i], picture.shares[i], picture.thawShares[i]);
        }
        for (uint256 i = 0; i < accounts.length; ++i) {
            // What an account got back and could get back is no more than it put in: slashes only take.
            assertLe(picture.reachable[i], store.put(accounts[i]) + ROUNDING, "stake makes no profit");
        }
    }

    /// @dev In the end of every run everybody gets everything that is theirs.
    function afterInvariant() public {
        handler.leave();
        for (uint256 i = 0; i < operators.length; ++i) {
            IStakeVault.Pool memory pool = vault.pool(operators[i]);
            assertLe(pool.assets, accounts.length, "only shares worth less than a base unit are left");
            assertEq(pool.thawAssets, 0, "no ticket is left");
            assertEq(pool.thawShares, 0, "no ticket is left");
        }
        (uint256 distributed, uint256 claimed,) = store.fees();
        assertLe(distributed - claimed, ROUNDING, "all fees reached somebody");
        _assertSolvent(_look());
    }

    /// @dev Reads holdings and tickets once: a run looks at them after each of its calls.
    function _look() private view returns (Picture memory picture) {
        picture.pools = new IStakeVault.Pool[](operators.length);
        picture.shares = new uint256[](operators.length);
        picture.thawShares = new uint256[](operators.length);
        picture.reachable = new uint256[](accounts.length);
        for (uint256 i = 0; i < operators.length; ++i) {
            IStakeVault.Pool memory pool = vault.pool(operators[i]);
            picture.pools[i] = pool;
            for (uint256 j = 0; j < accounts.length; ++j) {
                IStakeVault.Position memory position = vault.position(operators[i], accounts[j]);
                picture.shares[i] += position.shares;
                picture.rewards += position.rewards;
                if (position.shares != 0) picture.reachable[j] += position.shares * pool.assets / pool.shares;
            }
        }
        uint256[] memory tickets = store.tickets();
        for (uint256 i = 0; i < tickets.length; ++i) {
            IStakeVault.Ticket memory ticket = vault.ticket(tickets[i]);
            uint256 position = ticket.operator == operators[0] ? 0 : 1;
            IStakeVault.Pool memory pool = picture.pools[position];
            if (ticket.generation != pool.generation) continue;
            picture.thawShares[position] += ticket.thawShares;
            picture.reachable[_indexOf(ticket.owner)] += ticket.thawShares * pool.thawAssets / pool.thawShares;
        }
        for (uint256 i = 0; i < accounts.length; ++i) {
            picture.reachable[i] += store.got(accounts[i]);
        }
    }

    function _indexOf(address account) private view returns (uint256 i) {
        while (accounts[i] != account) ++i;
    }

    /// @dev To the base unit: what is there is what came in less what went out, and it covers what is owed.
    function _assertSolvent(Picture memory picture) private view {
        (uint256 deposited, uint256 withdrawn, uint256 slashed, uint256 collected, uint256 donatedStake) = store.stake();
        (uint256 distributed, uint256 claimed, uint256 donatedFees) = store.fees();
        (uint256 active, uint256 thawing) = (0, 0);
        for (uint256 i = 0; i < picture.pools.length; ++i) {
            active += picture.pools[i].assets;
            thawing += picture.pools[i].thawAssets;
        }
        uint256 pools = active + thawing;
        assertEq(vault.totalAssets(), active, "active stake of all pools");
        assertEq(vault.totalThawing(), thawing, "thawing stake of all pools");
        assertEq(pools, deposited - withdrawn - slashed, "pools hold what was staked and neither paid nor slashed");
        assertEq(handler.credits(), slashed - collected, "what was slashed is credited");
        assertLe(picture.rewards, distributed - claimed, "nobody is owed more fees than came");

        uint256 stakeHeld = pools + slashed - collected + donatedStake;
        uint256 feesHeld = distributed - claimed + donatedFees;
        if (_oneToken()) {
            assertEq(stakeToken.balanceOf(address(vault)), stakeHeld + feesHeld, "one token");
        } else {
            assertEq(stakeToken.balanceOf(address(vault)), stakeHeld, "stake token");
            assertEq(feeToken.balanceOf(address(vault)), feesHeld, "fee token");
        }
    }

    function _assertPoolAddsUp(IStakeVault.Pool memory pool, uint256 shares, uint256 thawShares) private pure {
        assertEq(shares, pool.shares, "live holdings are the pool's shares");
        assertEq(thawShares, pool.thawShares, "live tickets are the pool's thaw shares");
        assertLe(pool.thawAssets, pool.thawShares, "no thaw share is worth more than a base unit");
        assertEq(pool.thawAssets == 0, pool.thawShares == 0, "nor are all of them worth nothing");
    }
}

contract StakeVaultOneTokenInvariantTest is StakeVaultInvariantTest {
    function _oneToken() internal pure override returns (bool) {
        return true;
    }
}
