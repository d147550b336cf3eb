// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";
import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {FaultBase} from "../FaultBase.t.sol";

/// @notice Attack: make a case that is open cost more than it did when it was opened, by harsher terms or by stake that
///         others add meanwhile.
contract SlashCappedAtOpeningTest is FaultBase {
    function _open(IFaults.Fault fault) private returns (IFaults.Punishment memory punishment) {
        punishment = _fault(fault, operator);
        punishment.principalCap = vault.slashable(operator);
    }

    /// @dev Ten times the penalty, announced and in force before the verdict.
    function test_HarsherTermsAreForLaterCases() public {
        IFaults.Punishment memory punishment = _open(IFaults.Fault.Withheld);
        IFaults.Terms memory harsher = slasher.terms(IFaults.Fault.Withheld);
        (harsher.principalBps, harsher.correlatedBps) = (10_000, 0);
        _govern(address(slasher), abi.encodeCall(slasher.changeFaultTerms, (IFaults.Fault.Withheld, harsher)));

        (, uint256 principalTaken) = _punish(punishment);

        assertEq(principalTaken, OWN_STAKE / 20 + OWN_STAKE / 2 * 3 / 8);
        uint256 left = vault.slashable(operator);
        (, principalTaken) = _punish(_fault(IFaults.Fault.Withheld, operator));
        assertEq(principalTaken, left);
    }

    /// @dev Who delegates after the deed pays with the others, but nobody takes more because of it.
    function testFuzz_StakeThatCameLaterMakesNoPenaltyLarger(uint256 delegated) public {
        IFaults.Punishment memory punishment = _open(IFaults.Fault.WrongOutput);
        punishment.beneficiary = attacker;
        delegated = bound(delegated, OWN_STAKE, 1e6 ether);
        _delegate(alice, operator, delegated);

        (, uint256 principalTaken) = _punish(punishment);

        assertLe(principalTaken, OWN_STAKE);
        assertEq(vault.slashable(operator), OWN_STAKE + delegated - principalTaken);
        assertLe(vault.credited(attacker), OWN_STAKE / 5);
    }

    /// @dev What a judge took down cannot be more than governance could have set.
    function testFuzz_RevertWhen_TheJudgeInventsTerms(uint16 principalBps) public {
        IFaults.Punishment memory punishment = _open(IFaults.Fault.FalseReport);
        punishment.terms.principalBps = uint16(bound(principalBps, 1001, type(uint16).max));
        vm.expectPartialRevert(ISlasher.Slasher_ParameterOutOfRange.selector);
        _punish(punishment);
    }
}
