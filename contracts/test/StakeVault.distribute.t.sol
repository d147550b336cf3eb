// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../src/TestToken.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";

/// @notice `distribute` and `claimRewards`, in both token configurations.
contract StakeVaultDistributeTest is Base {
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
    }

    function _rewards(address delegator) private view returns (uint256) {
        return vault.position(operator, delegator).rewards;
    }

    function _claim(address delegator) private returns (uint256) {
        vm.prank(delegator);
        return vault.claimRewards(operator);
    }

    function testFuzz_FeesAreSharedByStake(uint256 assets, uint256 amount) public {
        assets = bound(assets, MIN_DEPOSIT, 1e9 ether);
        amount = bound(amount, 0, 1e9 ether);
        _delegate(alice, operator, assets);
        _fund(feeToken, payer.addr, address(vault), amount);

        vm.expectEmit(address(vault));
        emit IStakeVault.FeesDistributed(operator, payer.addr, amount);
        vm.prank(payer.addr);
        vault.distribute(operator, amount);

        uint256 due = amount * assets / (assets + OWN_STAKE);
        assertLe(_rewards(alice), due);
        assertApproxEqAbs(_rewards(alice), due, 1);
        assertLe(_rewards(alice) + _rewards(operator), amount);
        assertApproxEqAbs(_rewards(alice) + _rewards(operator), amount, 2);
        assertEq(feeToken.balanceOf(payer.addr), 0);
    }

    function test_RewardsAreClaimedOnce() public {
        _delegate(alice, operator, OWN_STAKE);
        _distribute(operator, 10 ether);
        uint256 before = feeToken.balanceOf(address(vault));
        uint256 due = _rewards(alice);
        assertApproxEqAbs(due, 5 ether, 1);

        vm.expectEmit(address(vault));
        emit IStakeVault.RewardsClaimed(operator, alice, due);
        assertEq(_claim(alice), due);

        assertEq(feeToken.balanceOf(alice), due);
        assertEq(feeToken.balanceOf(address(vault)), before - due);
        assertEq(_rewards(alice), 0);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NothingToClaim.selector, alice));
        _claim(alice);
    }

    function test_WhoComesLaterGetsNothingOfWhatCameBefore() public {
        _distribute(operator, 10 ether);
        _delegate(alice, operator, 100 * OWN_STAKE);

        assertEq(_rewards(alice), 0);
        assertApproxEqAbs(_rewards(operator), 10 ether, 1);
    }

    function test_ThawingStakeEarnsNothing() public {
        _delegate(alice, operator, OWN_STAKE);
        _distribute(operator, 2 ether);
        _thaw(alice, operator, _sharesOf(operator, alice));
        _distribute(operator, 10 ether);

        assertApproxEqAbs(_rewards(alice), 1 ether, 1);
        assertApproxEqAbs(_rewards(operator), 11 ether, 2);
    }

    function test_RewardsSurviveASlashAndAWipeOut() public {
        _distribute(operator, 10 ether);
        _slash(operator, OWN_STAKE / 2, 0);
        assertApproxEqAbs(_rewards(operator), 10 ether, 1);
        _slash(operator, OWN_STAKE, 0);
        assertApproxEqAbs(_rewards(operator), 10 ether, 1);

        _stake(operator, OWN_STAKE);
        _distribute(operator, 7 ether);

        assertApproxEqAbs(_rewards(operator), 17 ether, 2);
        assertEq(_claim(operator), feeToken.balanceOf(operator));
    }

    /// @dev Shares of a generation that is gone earn nothing in the next.
    function test_VoidSharesEarnNothing() public {
        _delegate(alice, operator, OWN_STAKE);
        _slash(operator, 2 * OWN_STAKE, 0);
        _stake(operator, OWN_STAKE);
        _distribute(operator, 10 ether);

        assertEq(_rewards(alice), 0);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NothingToClaim.selector, alice));
        _claim(alice);
    }

    function testFuzz_RewardsDoNotDependOnHowOftenTheyAreTouched(uint256[4] memory amounts, uint8 touches) public {
        _delegate(alice, operator, OWN_STAKE);
        _delegate(bob, operator, OWN_STAKE);
        uint256 claimed = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            _distribute(operator, bound(amounts[i], 1 ether, 1e6 ether));
            if (touches & (1 << i) != 0) claimed += _claim(alice);
        }

        assertApproxEqAbs(claimed + _rewards(alice), _rewards(bob), amounts.length);
    }

    function test_RevertWhen_ThePoolHasNoShares() public {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NoShares.selector, attacker));
        vault.distribute(attacker, 1 ether);

        _thaw(operator, operator, _sharesOf(operator, operator));
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NoShares.selector, operator));
        vault.distribute(operator, 1 ether);
    }

    function test_RevertWhen_ThereIsNothingToClaim() public {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_NothingToClaim.selector, operator));
        _claim(operator);
    }
}

contract StakeVaultDistributeOneTokenTest is StakeVaultDistributeTest {
    function _createFeeToken(TestToken stakeToken_) internal pure override returns (TestToken) {
        return stakeToken_;
    }

    /// @dev Stake and rewards are the same token in the same vault; neither pays for the other.
    function test_RewardsDoNotTouchStake() public {
        address operator = makeAddr("an operator");
        _distribute(operator, 10 ether);
        vm.prank(operator);
        uint256 claimed = vault.claimRewards(operator);

        assertGe(feeToken.balanceOf(address(vault)), OWN_STAKE);
        assertApproxEqAbs(claimed, 10 ether, 1);
        assertEq(vault.pool(operator).assets, OWN_STAKE);
    }
}
