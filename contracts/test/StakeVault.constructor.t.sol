// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StakeVault} from "../src/StakeVault.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {Base} from "./Base.t.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract StakeVaultConstructorTest is Base {
    function create(IStakeVault.Durations memory durations) external returns (StakeVault) {
        return new StakeVault(address(accessManager), stakeToken, feeToken, sink, FLOOR, MIN_DEPOSIT, durations);
    }

    function create(address stakeToken_, address feeToken_, address sink_) external returns (StakeVault) {
        return new StakeVault(
            address(accessManager), IERC20(stakeToken_), IERC20(feeToken_), sink_, FLOOR, MIN_DEPOSIT, _durations()
        );
    }

    function test_ItIsConfiguredAsAsked() public {
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(expected);
        emit IStakeVault.StakeVaultConfigured(
            address(stakeToken), address(feeToken), sink, FLOOR, MIN_DEPOSIT, _durations()
        );

        StakeVault created = this.create(_durations());

        assertEq(created.STAKE_TOKEN(), address(stakeToken));
        assertEq(created.FEE_TOKEN(), address(feeToken));
        assertEq(created.SINK(), sink);
        assertEq(created.OWN_STAKE_FLOOR(), FLOOR);
        assertEq(created.MIN_DEPOSIT(), MIN_DEPOSIT);
        assertEq(created.THAW(), THAW);
        assertEq(created.MAX_CUT_BPS(), 2000);
        assertEq(created.MAX_TICKETS(), 64);
        assertEq(created.authority(), address(accessManager));
    }

    function test_RevertWhen_AnAddressIsZero() public {
        vm.expectRevert(IStakeVault.StakeVault_ZeroAddress.selector);
        this.create(address(0), address(feeToken), sink);
        vm.expectRevert(IStakeVault.StakeVault_ZeroAddress.selector);
        this.create(address(stakeToken), address(0), sink);
        vm.expectRevert(IStakeVault.StakeVault_ZeroAddress.selector);
        this.create(address(stakeToken), address(feeToken), address(0));
    }

    function test_RevertWhen_TheFloorIsBelowTheSmallestDeposit() public {
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.StakeVault_FloorBelowMinDeposit.selector, MIN_DEPOSIT - 1, MIN_DEPOSIT)
        );
        new StakeVault(address(accessManager), stakeToken, feeToken, sink, MIN_DEPOSIT - 1, MIN_DEPOSIT, _durations());
    }

    function testFuzz_RevertWhen_AFaultCouldOutliveAThaw(uint64[4] memory parts, uint64 thaw) public {
        uint64 required = 0;
        for (uint256 i = 0; i < 4; ++i) {
            parts[i] = uint64(bound(parts[i], 1, 90 days));
            required += parts[i];
        }
        thaw = uint64(bound(thaw, 0, required - 1));

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_ThawTooShort.selector, thaw, required));
        this.create(IStakeVault.Durations(thaw, parts[0], parts[1], parts[2], parts[3]));
    }

    function test_RevertWhen_TheThawIsLongerThanAYear() public {
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.StakeVault_ThawTooLong.selector, uint64(365 days + 1), uint64(365 days))
        );
        this.create(IStakeVault.Durations(365 days + 1, 1, 1, 1, 1));
    }
}
